// The faults of the matrix: what is done to a running installation in the middle of its traffic, and undone again.
import { Redis } from 'ioredis';
import type { Random } from '../../src/simulate/random.ts';
import type { Form, Seat, Site } from './matrix-site.ts';

export type Strike = {
  readonly site: Site;
  readonly random: Random;
  /** How long what is away stays away. */
  readonly awayMs: number;
};

export type Fault = {
  readonly name: string;
  readonly forms: readonly Form[];
  /** Before the traffic: what the fault needs. */
  readonly prepare?: (strike: Strike) => Promise<void>;
  /** A quarter into the traffic. */
  readonly early?: (strike: Strike) => Promise<void>;
  /** In the middle; resolves when it is over. Answers how often it struck. */
  readonly strike: (strike: Strike) => Promise<number>;
};

const BOTH: readonly Form[] = ['embedded', 'services'];
const SERVICES: readonly Form[] = ['services'];
/** Longer than a session of 6 s: others take over meanwhile. */
const FROZEN_MS = 9_000;
/** What was planned by the clock that was ahead waits as long as it was set back: this bounds the longest delay. */
const JUMP_MS = 60_000;

export const FAULTS: readonly Fault[] = [
  { name: 'none', forms: BOTH, strike: async () => 0 },
  { name: 'kill -9', forms: BOTH, strike: killAndBegin },
  { name: 'SIGSTOP', forms: BOTH, strike: freeze },
  { name: 'a replica joins', forms: SERVICES, strike: async ({ site }) => await once(site.join()) },
  { name: 'broker down', forms: SERVICES, strike: brokerDown },
  { name: 'Redis down', forms: SERVICES, strike: redisDown },
  { name: 'Redis flushed', forms: SERVICES, strike: async ({ site }) => await once(withRedis(site, flush)) },
  redisRolledBack(),
  { name: 'disk full', forms: ['embedded'], strike: diskFull },
  { name: 'Slack down', forms: BOTH, strike: slackDown },
  { name: 'Slack lost answers', forms: BOTH, prepare: loseAnswers, strike: async () => LOST_POSTS + LOST_EDITS },
  { name: 'Sheets 429', forms: BOTH, prepare: limitSheets, strike: async () => LIMITED },
  { name: 'clock jump', forms: BOTH, strike: jumpClocks },
  { name: 'slow network', forms: BOTH, strike: slowNetwork },
];

async function once(done: Promise<unknown>): Promise<number> {
  await done;
  return 1;
}

const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

const pickSeat = ({ site, random }: Strike): Seat | undefined => site.seats[random.between(0, site.seats.length - 1)];

async function killAndBegin(strike: Strike): Promise<number> {
  const seat = pickSeat(strike);
  await seat?.kill();
  await seat?.begin();
  return 1;
}

async function freeze(strike: Strike): Promise<number> {
  const seat = pickSeat(strike);
  seat?.signal('SIGSTOP');
  await pause(strike.site.form === 'services' ? FROZEN_MS : strike.awayMs);
  seat?.signal('SIGCONT');
  return 1;
}

async function brokerDown({ site, awayMs }: Strike): Promise<number> {
  await site.services?.kafka.kill();
  await pause(awayMs);
  await site.services?.kafka.restart();
  return 1;
}

/** Webhooks are taken meanwhile, so it may last: a minute in the full matrix. */
async function redisDown({ site, awayMs }: Strike): Promise<number> {
  await site.services?.redis.kill();
  await pause(awayMs * 4);
  await site.services?.redis.restart();
  return 1;
}

async function diskFull({ site, awayMs }: Strike): Promise<number> {
  for (const seat of site.seats) seat.tell({ type: 'disk', isFull: true });
  await pause(awayMs);
  for (const seat of site.seats) seat.tell({ type: 'disk', isFull: false });
  return 1;
}

async function slackDown({ site, awayMs }: Strike): Promise<number> {
  site.lines.slack.isCut = true;
  await pause(awayMs);
  site.lines.slack.isCut = false;
  return 1;
}

const LOST_POSTS = 3;
const LOST_EDITS = 2;

async function loseAnswers({ site }: Strike): Promise<void> {
  site.slack.fault({ method: 'chat.postMessage', kind: 'lost', times: LOST_POSTS });
  site.slack.fault({ method: 'chat.update', kind: 'lost', times: LOST_EDITS });
}

const LIMITED = 3;

async function limitSheets({ site }: Strike): Promise<void> {
  site.sheets.fault({ on: 'write', kind: 429, times: LIMITED });
}

/** Forwards and backwards. Beyond the 5 min of Stripe's signatures webhooks are refused, and come again. */
async function jumpClocks({ site, awayMs }: Strike): Promise<number> {
  for (const aheadMs of [JUMP_MS, -JUMP_MS, 0]) {
    for (const seat of site.seats) seat.tell({ type: 'clock', aheadMs });
    if (aheadMs !== 0) await pause(awayMs / 2);
  }
  return 2;
}

async function slowNetwork({ site: { lines }, awayMs }: Strike): Promise<number> {
  for (const line of [lines.slack, lines.sheets]) line.delayMs = 400;
  lines.redis.delayMs = 50;
  await pause(awayMs * 2);
  for (const line of Object.values(lines)) line.delayMs = 0;
  return 1;
}

async function withRedis<T>(site: Site, use: (redis: Redis) => Promise<T>): Promise<T | null> {
  if (site.services === null) return null;
  const redis = new Redis(site.services.redis.url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

const flush = async (redis: Redis): Promise<unknown> => await redis.flushall();

/** All keys as they were a while ago, in one step, as a replica that lagged behind and took over would have them. */
function redisRolledBack(): Fault {
  const kept = new WeakMap<Site, readonly (readonly [key: string, value: Buffer])[]>();
  return {
    name: 'Redis rolled back',
    forms: SERVICES,
    early: async ({ site }) =>
      void (await withRedis(site, async (redis) => {
        const keys = await redis.keys('*');
        const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
        kept.set(
          site,
          keys.flatMap((key, index) => (values[index] ? [[key, values[index]] as const] : [])),
        );
      })),
    strike: async ({ site }) =>
      await once(
        withRedis(site, async (redis) => {
          const all = redis.multi().flushall();
          for (const [key, value] of kept.get(site) ?? []) all.restore(key, 0, value);
          await all.exec();
        }),
      ),
  };
}
