// What the buttons of notices ask for: a settings command made from the version that the button was shown for, or a reason
// why not, for who pressed alone.
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import { approvalProblem } from '../model/approval.ts';
import type { Clock } from '../model/clock.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Promotion } from '../model/suggestions.ts';
import { actorName } from '../model/words.ts';
import { type DetectorVersion, readVersionValue } from './blocks-detector.ts';
import { inert, safe } from './blocks-inert.ts';
import { PROMOTE, promotionCard, promotionSubject } from './blocks-promotion.ts';
import { REVERT_SETTINGS } from './blocks-settings.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import { type Card, NOTICE_EVENT_TYPE } from './notice.ts';

export type NoticeClick = {
  /** Of the command that comes of it: the same click has the same id. */
  readonly id: string;
  readonly action: string;
  readonly value: string;
  readonly user: { readonly id: string; readonly name: string };
};

/** `edit`: how the message stands from then on. */
export type NoticeAnswer =
  /** In the log; what it did is to be asked for by its id. */
  | { readonly kind: 'recorded'; readonly command: string; readonly edit: NoticeEdit | null }
  | { readonly kind: 'told'; readonly text: string; readonly edit: NoticeEdit | null };

export type NoticeEdit = Card & {
  readonly metadata: { readonly event_type: string; readonly event_payload: Record<string, string> };
};

export type NoticeClickParts = {
  readonly feed: Pick<IncidentFeed, 'settingsHistory' | 'general' | 'waitForCommand'>;
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly consoleUrl: string;
  readonly promotions: () => readonly Promotion[];
  /** For what a second person must apply. Absent: it cannot be proposed from here. */
  readonly proposals?: Pick<Proposals, 'propose' | 'revert'>;
};

const MAX_WHY = 400;
const told = (text: string): NoticeAnswer => ({ kind: 'told', text, edit: null });

/** Rejects if the command cannot be written. */
export async function clickNotice(parts: NoticeClickParts, click: NoticeClick): Promise<NoticeAnswer> {
  const read = readVersionValue(click.value);
  if (read === null) return told('This button is not known to this version of declinewatch. Nothing was changed.');
  const asked = { click, ...read };
  const { detector } = read;
  const current = parts.feed.settingsHistory(detector).at(-1);
  // Delivered twice: the first was done, or is being done.
  if ((await parts.feed.waitForCommand(click.id, 0)) !== null)
    return { kind: 'recorded', command: click.id, edit: null };
  if (current === undefined) return told(`There is no detector ${detector}. Nothing was changed.`);
  if (current.rule.version !== asked.version) return told(staleMessage(current, asked.version));
  if (click.action === REVERT_SETTINGS) return await revert(parts, asked, current);
  return click.action === PROMOTE ? await promote(parts, asked, current) : keep(parts, asked, current);
}

type Asked = DetectorVersion & { readonly click: NoticeClick };

function staleMessage({ rule, actor, at }: AcceptedSettings, version: number): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const who = inert(actorName(actor), 80);
  return `${rule.detector} is at version ${rule.version} since ${time} (${who}); this button was made for version ${version}. Nothing was changed.`;
}

async function revert(
  parts: NoticeClickParts,
  { click, detector, version }: Asked,
  { rule }: AcceptedSettings,
): Promise<NoticeAnswer> {
  const before = parts.feed.settingsHistory(detector).at(-2)?.rule;
  if (before === undefined || before.version >= rule.version || before.settings === null)
    return told(`${detector} has no earlier version to go back to. Nothing was changed.`);
  const { settings } = before;
  const by = actorOf(click);
  const alone = approvalProblem({ detector, before: rule.settings, after: settings, by, proposedBy: null });
  if (alone !== null) {
    const decision = await parts.proposals?.revert(detector, by);
    return told(decision?.outcome === 'refused' ? decision.message : alone);
  }
  const why = `back to version ${before.version}`;
  return await command(parts, click, { detector, settings, basedOn: version, why, edit: null });
}

async function promote(parts: NoticeClickParts, asked: Asked, { rule }: AcceptedSettings): Promise<NoticeAnswer> {
  const { click, detector, version } = asked;
  if (rule.settings === null || rule.settings.mode !== 'shadow')
    return told(`${detector} is not in the shadow any more. Nothing was changed.`);
  const settings: DetectorSettings = { ...rule.settings, mode: 'alert' };
  const promotion = promotionOf(parts, detector);
  const why = `promoted out of the shadow${promotion === null ? '' : `: it ${promotion.words}`}`.slice(0, MAX_WHY);
  const by = actorOf(click);
  const alone = approvalProblem({ detector, before: rule.settings, after: settings, by, proposedBy: null });
  if (alone !== null) {
    const made = await parts.proposals?.propose({ detector, change: { mode: 'alert' }, basedOn: version, by, why });
    if (made === undefined) return told(alone);
    return told(made.problem || `${made.secondPerson ?? ''} It is proposed: somebody else applies it.`.trim());
  }
  const edit = decided(parts, asked, settings, `Promoted by ${BLOCK_STYLE.who(by)}: it alerts from now on.`);
  return await command(parts, click, { detector, settings, basedOn: version, why, edit });
}

function keep(parts: NoticeClickParts, asked: Asked, { rule }: AcceptedSettings): NoticeAnswer {
  const who = BLOCK_STYLE.who(actorOf(asked.click));
  const edit = decided(parts, asked, rule.settings, `Kept in the shadow by ${who}. Its next version is offered anew.`);
  return { kind: 'told', text: `${asked.detector} stays in the shadow. Its next version is offered anew.`, edit };
}

type Settings = {
  readonly detector: string;
  readonly settings: DetectorSettings;
  readonly basedOn: number;
  readonly why: string;
  readonly edit: NoticeEdit | null;
};

async function command(
  parts: NoticeClickParts,
  click: NoticeClick,
  { edit, ...asked }: Settings,
): Promise<NoticeAnswer> {
  const general = parts.feed.general();
  if (general === null) return told('No settings are in force yet. Nothing was changed.');
  const body = { type: 'settings', ...asked, general } as const;
  await submitCommand(parts, { id: click.id, actor: actorOf(click), body });
  return { kind: 'recorded', command: click.id, edit };
}

const actorOf = ({ user }: NoticeClick): Actor => ({ kind: 'slack', id: user.id, name: user.name });

const promotionOf = ({ promotions }: NoticeClickParts, detector: string): Promotion | null =>
  promotions().find((promotion) => promotion.detector === detector) ?? null;

/** Null once the detector is no longer offered: the message stays as it is. */
function decided(
  parts: NoticeClickParts,
  { detector, version }: Asked,
  settings: DetectorSettings | null,
  decision: string,
): NoticeEdit | null {
  const promotion = promotionOf(parts, detector);
  if (promotion === null) return null;
  const { consoleUrl } = parts;
  const card = promotionCard(promotion, { title: safe(settings?.title ?? detector, 120), consoleUrl, decision });
  const event_payload = { incident: promotionSubject(detector), slot: String(version) };
  return { ...card, metadata: { event_type: NOTICE_EVENT_TYPE, event_payload } };
}
