// Everything that Slack tells beside incidents, put together: each source with what it needs, told as it becomes due.
import type { Months } from '../model/month.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Promotion } from '../model/suggestions.ts';
import { createHandovers, type HandoverOptions } from './handover.ts';
import { createLateNews, type LateNewsOptions } from './late-news.ts';
import { createMonthNews } from './month-news.ts';
import { type Notices, type NoticesOptions, type NoticesStatus, startNotices } from './notices.ts';
import { createPromotionNews } from './promotion-news.ts';
import { createProposalNews } from './proposal-news.ts';
import { createSettingsNews, type SettingsNewsOptions } from './settings-news.ts';

export type BesideOptions = Omit<
  LateNewsOptions & SettingsNewsOptions & HandoverOptions & NoticesOptions,
  'sources' | 'onDue'
> & {
  readonly feed: LateNewsOptions['feed'] &
    SettingsNewsOptions['feed'] &
    Parameters<typeof createPromotionNews>[0]['feed'];
  /** Shadow detectors that could alert. Absent: none is offered. */
  readonly promotions?: () => readonly Promotion[];
  /** Absent: no month is told. */
  readonly months?: Pick<Months, 'over' | 'report'>;
  /** Absent: none is told. */
  readonly proposals?: Proposals;
};

export type Beside = {
  status(): NoticesStatus;
  /** Milliseconds: when duty was handed over last. */
  handedOverAt(): number;
  close(): Promise<void>;
};

/** Rejects with the log's errors. */
export async function startBeside(given: BesideOptions): Promise<Beside> {
  let notices: Notices | null = null;
  const options = { ...given, onDue: () => notices?.ring() };
  const { promotions, months, proposals } = options;
  const handovers = createHandovers(options);
  const settings = createSettingsNews(options);
  const late = createLateNews(options);
  const month = months === undefined ? null : createMonthNews({ ...options, months });
  const proposed = proposals === undefined ? null : createProposalNews({ ...options, proposals });
  const told = await startNotices({
    ...options,
    sources: [
      handovers.due,
      settings.due,
      late.due,
      ...(promotions === undefined ? [] : [createPromotionNews({ ...options, promotions })]),
      ...(month === null ? [] : [month.due]),
      ...(proposed === null ? [] : [proposed.due]),
    ],
  });
  notices = told;
  return {
    status: told.status,
    handedOverAt: () => handovers.lastAt(told.told),
    close: async () => {
      await told.close();
      await settings.close();
      await late.close();
      await month?.close();
      await proposed?.close();
    },
  };
}
