// What the engine must answer, computed the slow and obvious way from design §4.1–4.2: every instant against every attempt,
// over the whole set at once. It shares no code with src/attempts and src/detectors, on purpose.
import type { AttemptFields, SignalView, View } from '../../src/model/attempt.ts';
import type { DetectorSettings, Rule, Severity } from '../../src/model/detector.ts';
import type { Episode } from '../../src/model/episode.ts';

/** What a predicate may look at; texts are '' when absent. */
export type OracleFacts = {
  readonly outcome: string;
  readonly code: string;
  readonly class: string;
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  readonly kind: string;
  readonly dunning: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal: string;
  readonly reason: string;
};

/** What a filter's CEL text means, in TypeScript. */
export type Predicates = Readonly<Record<string, (facts: OracleFacts) => boolean>>;

export type OracleEpisode = {
  readonly episode: Episode;
  /** Ids by time, then id. */
  readonly members: readonly string[];
  readonly instants: readonly { readonly time: number; readonly value: number }[];
  /** Id of the newest attempt that `at:` selected at its newest breach instant that has one. */
  readonly trigger: string | null;
};

type Item = {
  readonly id: string;
  readonly on: 'attempt' | 'signal';
  readonly account: string | null;
  readonly livemode: boolean;
  readonly time: number;
  readonly fields: AttemptFields;
  readonly facts: OracleFacts;
};

/** Names a key; the same text for the engine's keys. */
export function keyText(
  detector: string,
  scope: { readonly account: string | null; readonly livemode: boolean },
  entity: { readonly kind: string; readonly value: string },
): string {
  return JSON.stringify([detector, scope.account, scope.livemode, entity.kind, entity.value]);
}

export type OracleInput = {
  readonly records: readonly (View | SignalView)[];
  readonly rules: readonly Rule[];
  readonly predicates: Predicates;
};

/** Every key that has an episode, with its episodes in time order. */
export function oracleEpisodes({ records, rules, predicates }: OracleInput): Map<string, OracleEpisode[]> {
  const attempts = mergedAttempts(records.filter((record) => record.record === 'view'));
  const signals = mergedSignals(
    records.filter((record) => record.record === 'signal'),
    attempts,
  );
  const found = new Map<string, OracleEpisode[]>();
  for (const detector of new Set(rules.map((rule) => rule.detector))) {
    const versions = rules.filter((rule) => rule.detector === detector).sort((a, b) => a.version - b.version);
    for (const [key, items] of itemsByKey(detector, versions, [...attempts, ...signals])) {
      const episodes = episodesOfItems({ versions, predicates, kind: JSON.parse(key)[3] as string, items });
      if (episodes.length > 0) found.set(key, episodes);
    }
  }
  return found;
}

function itemsByKey(detector: string, versions: readonly Rule[], items: readonly Item[]): Map<string, Item[]> {
  const keys = new Map<string, Item[]>();
  for (const per of new Set(versions.flatMap(({ settings }) => settings?.per ?? []))) {
    for (const item of items) {
      const value = entityValue(per, item.fields);
      if (value === undefined) continue;
      const key = keyText(detector, item, { kind: per, value });
      keys.set(key, [...(keys.get(key) ?? []), item]);
    }
  }
  return keys;
}

function entityValue(per: string, fields: AttemptFields): string | undefined {
  if (per === 'account') return 'account';
  if (per.startsWith('metadata.')) return fields.metadata?.[per.slice(9)];
  return (fields as Readonly<Record<string, string | undefined>>)[per];
}

type KeyInput = {
  readonly versions: readonly Rule[];
  readonly predicates: Predicates;
  readonly kind: string;
  readonly items: readonly Item[];
};

type OracleInstant = {
  readonly time: number;
  readonly value: number;
  readonly rule: Rule;
  readonly severity: Severity;
};

function episodesOfItems(input: KeyInput): OracleEpisode[] {
  const instants = [...new Set(input.items.map(({ time }) => time))]
    .sort((a, b) => a - b)
    .flatMap((time) => instantAt(input, time) ?? []);
  const chains: OracleInstant[][] = [];
  for (const instant of instants) {
    const chain = chains.at(-1);
    const before = chain?.at(-1);
    if (chain && before && instant.time - before.time <= settingsOf(instant.rule).quietForS) chain.push(instant);
    else chains.push([instant]);
  }
  return chains.map((chain) => episodeOfChain(input, chain));
}

/** The rule in force: the newest version whose `since` has come. */
function ruleAt({ versions, kind }: KeyInput, time: number): Rule | null {
  const rule = versions.filter(({ sinceS }) => sinceS <= time).at(-1);
  return rule?.settings?.per === kind ? rule : null;
}

function settingsOf({ settings }: Rule): DetectorSettings {
  if (settings === null) throw new Error('a removed detector judges nothing');
  return settings;
}

function instantAt(input: KeyInput, time: number): OracleInstant | null {
  const rule = ruleAt(input, time);
  if (rule === null) return null;
  const settings = settingsOf(rule);
  const isCandidate = input.items.some(
    (item) => item.time === time && isOf(settings, item) && mayBreach(input.predicates, settings, item),
  );
  if (!isCandidate) return null;
  const inWindow = input.items.filter((item) => item.time > time - settings.windowS && item.time <= time);
  const matching = inWindow.filter((item) => matches(input.predicates, settings, item));
  if (matching.length === 0) return null;
  const denominator = inWindow.filter((item) => isCounted(input.predicates, settings, item)).length;
  if (settings.count === 'ratio' && denominator < (settings.minimum ?? 0)) return null;
  const value = aggregate(settings, matching, denominator);
  const severity = severityOf(settings, value);
  return severity === null ? null : { time, value, rule, severity };
}

const isOf = (settings: DetectorSettings, item: Item): boolean => settings.on === item.on;

function says(predicates: Predicates, cel: string, item: Item): boolean {
  const predicate = predicates[cel];
  if (predicate === undefined) throw new Error(`no predicate for ${cel}`);
  return predicate(item.facts);
}

function matches(predicates: Predicates, settings: DetectorSettings, item: Item): boolean {
  if (!isOf(settings, item)) return false;
  if (settings.count === 'sum(amount)' && item.facts.currency !== settings.currency) return false;
  return says(predicates, settings.where, item);
}

/** In the denominator of a ratio. */
function isCounted(predicates: Predicates, settings: DetectorSettings, item: Item): boolean {
  if (!isOf(settings, item)) return false;
  return matches(predicates, settings, item) || (settings.of !== null && says(predicates, settings.of, item));
}

function mayBreach(predicates: Predicates, settings: DetectorSettings, item: Item): boolean {
  if (settings.at !== null) return says(predicates, settings.at, item);
  return settings.count === 'ratio' ? isCounted(predicates, settings, item) : matches(predicates, settings, item);
}

function aggregate({ count }: DetectorSettings, matching: readonly Item[], denominator: number): number {
  if (count === 'attempts') return matching.length;
  if (count === 'ratio') return matching.length / denominator;
  if (count === 'sum(amount)') return Number(matching.reduce((sum, { facts }) => sum + BigInt(facts.amount), 0n));
  const field = count.slice('distinct('.length, -1) as 'card' | 'email' | 'customer' | 'ip';
  return new Set(matching.flatMap(({ fields }) => fields[field] ?? [])).size;
}

function severityOf({ thresholds }: DetectorSettings, value: number): Severity | null {
  const { notice, warning, critical } = thresholds;
  if (critical !== undefined && value >= critical) return 'critical';
  if (warning !== undefined && value >= warning) return 'warning';
  return notice !== undefined && value >= notice ? 'notice' : null;
}

const RANK: Readonly<Record<Severity, number>> = { notice: 0, warning: 1, critical: 2 };

function episodeOfChain(input: KeyInput, chain: readonly OracleInstant[]): OracleEpisode {
  const first = chain[0];
  const last = chain.at(-1);
  if (first === undefined || last === undefined) throw new Error('an episode has a breach instant');
  const worst = chain.reduce((so, instant) => (RANK[instant.severity] > RANK[so.severity] ? instant : so));
  const members = membersOf(input, first, last);
  return {
    episode: {
      severity: worst.severity,
      threshold: settingsOf(worst.rule).thresholds[worst.severity] ?? Number.NaN,
      firstAttemptAt: members[0]?.time ?? Number.NaN,
      lastAttemptAt: members.at(-1)?.time ?? Number.NaN,
      firstBreachAt: first.time,
      lastBreachAt: last.time,
      peak: Math.max(...chain.map(({ value }) => value)),
      attemptCount: members.length,
      exact: true,
      settingsVersion: last.rule.version,
    },
    members: members.map(({ id }) => id),
    instants: chain.map(({ time, value }) => ({ time, value })),
    trigger: triggerOf(input, chain),
  };
}

/** After the first breach instant an attempt matches or not by the rule of its own time, before it by that instant's. */
function membersOf(input: KeyInput, first: OracleInstant, last: OracleInstant): Item[] {
  const opening = settingsOf(first.rule);
  return input.items
    .filter((item) => {
      if (item.time <= first.time - opening.windowS || item.time > last.time) return false;
      const settings = item.time <= first.time ? opening : ruleAt(input, item.time)?.settings;
      return settings !== null && settings !== undefined && matches(input.predicates, settings, item);
    })
    .sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
}

function triggerOf({ items, predicates }: KeyInput, chain: readonly OracleInstant[]): string | null {
  const instant = chain.findLast(({ rule }) => settingsOf(rule).at !== null);
  if (instant === undefined) return null;
  const settings = settingsOf(instant.rule);
  const selected = items.filter(
    (item) => item.time === instant.time && isOf(settings, item) && says(predicates, settings.at ?? '', item),
  );
  return (
    selected
      .map(({ id }) => id)
      .sort()
      .at(-1) ?? null
  );
}

function groups<T>(records: readonly T[], by: (record: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const record of records) found.set(by(record), [...(found.get(by(record)) ?? []), record]);
  return [...found.values()];
}

function mergedAttempts(views: readonly View[]): Item[] {
  return groups(views, ({ account, livemode, attempt }) => JSON.stringify([account, livemode, attempt])).map((own) => {
    const [any] = own;
    if (any === undefined) throw new Error('a group has a record');
    const { account, livemode, attempt: id } = any;
    const fields = mergedFields(own);
    const facts: OracleFacts = {
      outcome: fields.result?.outcome ?? '',
      code: fields.result?.code ?? '',
      class: fields.result?.class ?? '',
      amount: fields.amount ?? 0,
      currency: fields.currency ?? '',
      customer: fields.customer ?? '',
      kind: own.every(({ kind }) => kind === 'setup') ? 'setup' : 'payment',
      dunning: own.some(({ invoice }) => invoice) && !own.some(({ firstPayment }) => firstPayment),
      metadata: fields.metadata ?? {},
      signal: '',
      reason: '',
    };
    return { id, on: 'attempt', account, livemode, time: Math.min(...own.map(({ time }) => time)), fields, facts };
  });
}

/** Field by field: the value of the greatest view that has the field; metadata key by key. */
function mergedFields(views: readonly View[]): AttemptFields {
  const ascending = [...views].sort(compareViews);
  const fields: Record<string, unknown> = {};
  const metadata: Record<string, string> = {};
  for (const view of ascending) {
    for (const [name, value] of Object.entries(view.fields)) if (value !== undefined) fields[name] = value;
    for (const [name, value] of Object.entries(view.fields.metadata ?? {})) metadata[name] = value;
  }
  return Object.keys(metadata).length === 0 ? fields : { ...fields, metadata };
}

function compareViews(a: View, b: View): number {
  const isCharge = (view: View): number => (view.source === 'charge' ? 1 : 0);
  return (
    isCharge(a) - isCharge(b) ||
    a.created - b.created ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.event, b.event) ||
    compareTexts(sortedJson(a.fields), sortedJson(b.fields))
  );
}

const compareTexts = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => compareTexts(a, b)))
      : inner,
  );
}

function mergedSignals(views: readonly SignalView[], attempts: readonly Item[]): Item[] {
  const groupOf = ({ account, livemode, signal, id }: SignalView): string =>
    JSON.stringify([account, livemode, signal, id]);
  return groups(views, groupOf).map((own) => {
    const newest = [...own].sort((a, b) => a.created - b.created || compareTexts(a.event, b.event)).at(-1);
    if (newest === undefined) throw new Error('a group has a record');
    const { account, livemode, id } = newest;
    const chargeId = newest.charge ?? own.find(({ charge }) => charge !== null)?.charge ?? null;
    const charge = attempts.find(
      (attempt) => attempt.id === chargeId && attempt.account === account && attempt.livemode === livemode,
    );
    const { customer = '' } = charge?.fields ?? {};
    const facts: OracleFacts = {
      ...{ outcome: '', code: '', class: '', kind: '', dunning: false, metadata: {} },
      amount: newest.amount ?? 0,
      currency: newest.currency ?? '',
      customer,
      signal: newest.signal,
      reason: newest.reason,
    };
    const time = Math.min(...own.map((view) => view.time));
    return { id, on: 'signal', account, livemode, time, fields: charge?.fields ?? {}, facts };
  });
}
