// The fault matrix: each fault in the middle of seeded traffic, embedded and over Kafka and Redis, each cell on an
// installation of its own.
import { seededRandom } from '../../src/simulate/random.ts';
import { FAULTS, type Fault, type Strike } from './faults.ts';
import { type Form, type OwnServices, openSite, type Site } from './matrix-site.ts';
import { judge, type Offered, type Verdict } from './matrix-verdict.ts';
import { startKafka, startRedis } from './services.ts';
import { type Event, makeTries, sendEvent, shuffledEvents, type Try } from './traffic.ts';

export type CellResult = Verdict & {
  readonly fault: string;
  readonly form: Form;
  readonly seed: number;
  readonly injected: number;
  /** Why there is no verdict; null: there is one. */
  readonly problem: string | null;
};

export type MatrixOptions = {
  readonly forms: readonly Form[];
  /** By name; null: all. */
  readonly faults: readonly string[] | null;
  readonly seeds: readonly number[];
  /** Shorter outages, less traffic. */
  readonly isQuick: boolean;
  /** Cells of a form that run side by side, each over its own Kafka and Redis. Default 1. */
  readonly lanes?: number;
  /** Results of an earlier run: those cells are not run again. */
  readonly known?: readonly CellResult[];
  readonly told?: (result: CellResult) => void;
};

type Size = { readonly tries: number; readonly perSecond: number; readonly awayMs: number; readonly withinMs: number };
const QUICK: Size = { tries: 150, perSecond: 60, awayMs: 4_000, withinMs: 240_000 };
const FULL: Size = { tries: 400, perSecond: 40, awayMs: 15_000, withinMs: 300_000 };
const ACCOUNTS = [null, 'acct_1', 'acct_2'];
/** Two looks so far apart must be the same: what is told late would be seen. */
const STANDS_MS = 1_500;

export async function runMatrix(options: MatrixOptions): Promise<readonly CellResult[]> {
  const lanes = await Promise.all(options.forms.map(async (form) => await runForm(form, options)));
  return lanes.flat();
}

/** The results in the order of faults and seeds. */
async function runForm(form: Form, options: MatrixOptions): Promise<readonly CellResult[]> {
  const { seeds, known = [], lanes = 1 } = options;
  const cells = FAULTS.filter(
    ({ name, forms }) => forms.includes(form) && (options.faults === null || options.faults.includes(name)),
  ).flatMap((fault) => seeds.map((seed) => ({ fault, form, seed })));
  const results = cells.map(
    ({ fault, seed }) =>
      known.find((cell) => cell.fault === fault.name && cell.form === form && cell.seed === seed) ?? null,
  );
  const waiting = [...results.keys()].filter((index) => results[index] === null);
  const size = options.isQuick ? QUICK : FULL;
  const lane = async (): Promise<void> => {
    const services = form === 'services' ? await startServices() : null;
    try {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const result = await runCell({ ...(cells[index] as (typeof cells)[number]), services, size });
        results[index] = result;
        options.told?.(result);
      }
    } finally {
      await services?.redis.stop();
      await services?.kafka.stop();
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, waiting.length) }, lane));
  return results.filter((result) => result !== null);
}

async function startServices(): Promise<OwnServices> {
  const [kafka, redis] = await Promise.all([startKafka(), startRedis({ durable: true })]);
  return { kafka, redis };
}

type Cell = {
  readonly fault: Fault;
  readonly form: Form;
  readonly seed: number;
  readonly services: OwnServices | null;
  readonly size: Size;
};

async function runCell({ fault, form, seed, services, size }: Cell): Promise<CellResult> {
  const named = { fault: fault.name, form, seed };
  let site: Site | null = null;
  try {
    site = await openSite(services);
    const strike: Strike = { site, random: seededRandom(seed), awayMs: size.awayMs };
    await fault.prepare?.(strike);
    const tries = makeTries({ seed, tries: size.tries, accounts: ACCOUNTS, untilS: Math.floor(Date.now() / 1000) });
    const { offered, injected } = await sendAround({ site, fault, strike, tries, seed, perSecond: size.perSecond });
    return { ...named, injected, problem: null, ...(await settled(site, offered, size.withinMs)) };
  } catch (error) {
    const nothing = { expected: 0, missed: [], doubled: [], longestMs: 0, possiblyDuplicate: 0 };
    return { ...named, injected: 0, ...nothing, problem: String(error) };
  } finally {
    await site?.close();
  }
}

type Traffic = {
  readonly site: Site;
  readonly fault: Fault;
  readonly strike: Strike;
  readonly tries: readonly Try[];
  readonly seed: number;
  readonly perSecond: number;
};

/** At an even pace, whoever answers or not; each event again until it is accepted. */
async function sendAround({ site, fault, strike, tries, seed, perSecond }: Traffic) {
  const byCharge = new Map(tries.map((one) => [one.charge, one]));
  const events = shuffledEvents(tries, seed);
  const offered: Offered[] = [];
  const sent: Promise<void>[] = [];
  let early: Promise<void> | undefined;
  let struck: Promise<number> | undefined;
  const begin = Date.now();
  for (const [index, event] of events.entries()) {
    await pause(begin + (index * 1000) / perSecond - Date.now());
    if (early === undefined && index >= events.length / 4) early = fault.early?.(strike) ?? Promise.resolve();
    if (struck === undefined && index >= events.length / 2)
      struck = (early ?? Promise.resolve()).then(async () => await fault.strike(strike));
    const one = byCharge.get(chargeOf(event));
    if (one !== undefined) offered.push({ one, at: Date.now() });
    sent.push(sendEvent(() => site.webhookUrl(), event));
  }
  const [injected = 0] = await Promise.all([struck, ...sent]);
  return { offered, injected };
}

const chargeOf = ({ id }: Event): string => id.slice('evt_c_'.length);

/** Judged until nothing is missed, and once more a while after; or as it stands when the time is over. */
async function settled(site: Site, offered: readonly Offered[], withinMs: number): Promise<Verdict> {
  for (const deadline = Date.now() + withinMs; ; ) {
    const verdict = await judge(site, offered).catch(() => null);
    if (verdict?.missed.length === 0 && verdict.doubled.length === 0) {
      await pause(STANDS_MS);
      return await judge(site, offered);
    }
    if (Date.now() > deadline) return verdict ?? (await judge(site, offered));
    await pause(250);
  }
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
