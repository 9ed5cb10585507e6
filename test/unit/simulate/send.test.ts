// What is sent is signed, steady, and counted: against a server that checks each signature.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/model/clock.ts';
import { type SimulationOptions, simulate } from '../../../src/simulate/send.ts';

const SECRET = 'whsec_simulated';
const taken: { readonly id: string; readonly type: string }[] = [];
let status = 200;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const header = String(request.headers['stripe-signature']);
    taken.push(Stripe.webhooks.constructEvent(body, header, SECRET));
    response.writeHead(status).end('{}');
  });
});

beforeAll(async () => await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => await new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  taken.length = 0;
  status = 200;
});

function options(over: Partial<SimulationOptions> = {}): SimulationOptions {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret: SECRET,
    name: 'card-testing',
    seed: 1,
    ratePerS: 10_000,
    count: 30,
    clock: systemClock,
    signal: new AbortController().signal,
    ...over,
  };
}

describe('simulate', () => {
  it('sends every event of every try, signed, and says how many belong to what', async () => {
    const progress = await simulate(options());
    expect(progress).toMatchObject({ tries: 30, refused: 0, lastRefusal: null });
    expect(progress.accepted).toBe(progress.events);
    expect(new Set(taken.map(({ id }) => id)).size).toBe(progress.events);
    const { ordinary = 0, 'card-testing': testing = 0 } = progress.labels;
    expect(ordinary + testing).toBe(30);
    expect(testing).toBeGreaterThan(ordinary);
  });

  it('goes on when it is refused, and says why', async () => {
    status = 503;
    const progress = await simulate(options({ count: 3 }));
    expect(progress).toMatchObject({ tries: 3, accepted: 0, lastRefusal: 'HTTP 503' });
    expect(progress.refused).toBe(progress.events);
  });

  it('sends nothing once it is stopped', async () => {
    expect(await simulate(options({ signal: AbortSignal.abort() }))).toMatchObject({ tries: 0, events: 0 });
    expect(taken).toEqual([]);
  });
});
