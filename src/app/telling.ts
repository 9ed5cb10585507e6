// What is told, put together: Slack and the sheet, or in the demo how they would look.
import { startSlackPreview } from '../alerts/preview.ts';
import { type Slack, startSlack } from '../alerts/slack.ts';
import type { Preview } from '../console/options.ts';
import { incidentsOf } from '../deliveries/loop.ts';
import { type PreviewRows, startSheetsPreview } from '../sinks/preview.ts';
import { startSheets } from '../sinks/sheets.ts';
import { changeWords } from '../tuning/change-words.ts';
import { createGotThrough } from '../tuning/got-through.ts';
import { why } from '../tuning/why.ts';
import type { Core } from './core.ts';
import type { Looking } from './looking.ts';
import type { Reviewing } from './reviewing.ts';
import { coverageSentence, type StripeSide } from './stripe-side.ts';

export type TellingParts = {
  readonly stripe: StripeSide;
  readonly reviewing: Reviewing;
  readonly looking: Looking;
};

export type Told = {
  readonly slack: Slack | null;
  readonly preview: Preview | null;
};

export async function startTelling(core: Core, parts: TellingParts): Promise<Told> {
  const { feed, metrics, teardown } = core;
  const told = core.options.demo ? await startPreviews(core, parts) : await startOutputs(core, parts);
  teardown.push(
    'latency',
    feed.subscribe(({ type, at, incident }) => {
      if (type === 'opened' && incident !== null && incident.receivedAt !== null)
        metrics.opened(at - incident.receivedAt);
    }),
  );
  return told;
}

async function startPreviews(core: Core, { looking }: TellingParts): Promise<Told> {
  const { log, clock, feed, metrics, sources, teardown, child } = core;
  const { consoleUrl } = looking;
  const shown = { log, consoleUrl, clock, metrics: metrics.delivery, incidents: incidentsOf(feed) };
  const slack = await startSlackPreview({ ...shown, throughOf: throughOf(core), logger: child('slack') });
  teardown.push('slack preview', () => slack.close());
  const sheet = await startSheetsPreview({ ...shown, logger: child('sheets') });
  teardown.push('sheet preview', () => sheet.close());
  sources.deliveries.push(slack.status, sheet.status);
  return { slack: null, preview: { slack: slack.messages, sheet: () => tableOf(sheet.rows()) } };
}

/** Each that is configured. */
async function startOutputs(core: Core, parts: TellingParts): Promise<Told> {
  const { config, log, clock, feed, metrics, sources, teardown, child } = core;
  const { looking, reviewing } = parts;
  const { tuning, months } = reviewing;
  const common = { log, feed, consoleUrl: looking.consoleUrl, clock, metrics: metrics.delivery };
  const ended = months === null ? {} : { months };
  let slack: Slack | null = null;
  if (config.slack !== null) {
    const started = await startSlack({
      ...common,
      ...besideIncidents(core, parts),
      ...ended,
      settings: config.slack,
      logger: child('slack'),
      ...(tuning === null ? {} : { proposals: tuning.proposals, promotions: tuning.suggestions.promotions }),
    });
    teardown.push('slack', () => started.close());
    sources.deliveries.push(() => started.status().deliveries);
    sources.slackInbound = () => started.status().inbound;
    sources.notices = () => started.status().notices;
    slack = started;
  }
  if (config.google !== null) {
    const sheets = await startSheets({
      ...common,
      ...ended,
      settings: config.google,
      logger: child('sheets'),
      ...(tuning === null ? {} : { proposals: tuning.proposals, suggestions: tuning.suggestions }),
    });
    teardown.push('sheets', () => sheets.close());
    sources.deliveries.push(() => sheets.status());
  }
  return { slack, preview: null };
}

/** What Slack shows beside the incidents themselves. */
function besideIncidents(core: Core, { stripe, looking }: TellingParts) {
  const { log, feed, piiKey, clock, health } = core;
  const read = { log, feed, piiKey, clock };
  return {
    throughOf: throughOf(core),
    rowUrlOf: (incident: string): string | null =>
      looking.deliveries.of(incident).find(({ output, slot }) => output === 'sheets' && slot === 'row')?.place?.url ??
      null,
    wouldHaveDone: async (...asked: Tail<Parameters<typeof changeWords>>) => await changeWords(read, ...asked),
    why: async (question: Parameters<typeof why>[1]) => await why(read, question),
    coverage: () => coverageSentence(stripe.reconciliation),
    health: async () => (await health()).parts,
  };
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;

const throughOf = ({ log, piiKey, erasing }: Core) =>
  createGotThrough({ log, piiKey, erased: erasing.erasures.newest });

function tableOf({ headers, rows }: PreviewRows): ReturnType<Preview['sheet']> {
  return { headers, rows: rows.map(({ cells }) => cells) };
}
