// The settings in force, and their history, by detector.
import type { AcceptedSettings } from '../model/commands.ts';
import { comparePositions } from '../model/commands.ts';
import type { GeneralSettings } from '../model/detector.ts';
import type { IncidentFeed } from './feed.ts';

const MAX_HISTORY = 500;

export type SettingsIndex = {
  /** Idempotent: it comes with its change and with its record. */
  take(accepted: AcceptedSettings): void;
  readonly queries: Pick<IncidentFeed, 'settings' | 'settingsHistory' | 'detectorNames' | 'general'>;
};

export function createSettingsIndex(): SettingsIndex {
  const histories = new Map<string, AcceptedSettings[]>();
  let newest: AcceptedSettings | null = null;
  return {
    take: (accepted) => {
      const { detector, version } = accepted.rule;
      const history = histories.get(detector) ?? [];
      if ((history.at(-1)?.rule.version ?? 0) >= version) return;
      history.push(accepted);
      if (history.length > MAX_HISTORY) history.shift();
      histories.set(detector, history);
      if (newest === null || comparePositions(accepted.position, newest.position) > 0) newest = accepted;
    },
    queries: {
      settings: () =>
        [...histories.values()]
          .flatMap((history) => history.at(-1) ?? [])
          .filter(({ rule }) => rule.settings !== null)
          .sort((a, b) => (a.rule.detector < b.rule.detector ? -1 : 1)),
      settingsHistory: (detector) => [...(histories.get(detector) ?? [])],
      detectorNames: () => [...histories.keys()].sort(),
      general: (): GeneralSettings | null => newest?.general ?? null,
    },
  };
}
