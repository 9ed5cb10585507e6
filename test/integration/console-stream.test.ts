// The stream of the console over real HTTP: what changes is heard, nobody is waited for, and it ends with the console.
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConsoleDesk, openConsoleDesk } from '../support/console-desk.ts';
import { ANA, detectorSettings, episode, report, settingsCommand } from '../support/decider.ts';

let desk: ConsoleDesk;
const sockets: Socket[] = [];

beforeEach(async () => {
  desk = await openConsoleDesk();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await desk.close();
});

type Listening = { text(): string; ended(): boolean };

/** Speaks HTTP by hand, so that the answer can be left unread. */
async function listen({ reads = true } = {}): Promise<Listening & { readonly socket: Socket }> {
  const { hostname, port } = new URL(desk.url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  let text = '';
  let isEnded = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isEnded = true;
  });
  if (reads) {
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
    });
  }
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write('GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
  if (reads) await expect.poll(() => text).toContain('event: ready');
  return { socket, text: () => text, ended: () => isEnded };
}

const cardReport = (offset: number, size: number) => report(offset, [episode(0, 0, { attemptCount: size })]);

describe('GET /api/stream', () => {
  it('begins with how to come back, then tells each change with the incident as it is', async () => {
    const stream = await listen();
    expect(stream.text()).toMatch(/content-type: text\/event-stream/i);
    expect(stream.text()).toContain('retry: 2000');
    await desk.tell(cardReport(1, 3));
    await expect.poll(() => stream.text()).toContain('event: incident');
    const data = /event: incident\ndata: (.+)\n/.exec(stream.text())?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({ type: 'opened', incident: { id: 'INC-1', status: 'open', peak: 3 } });
    expect(stream.text()).toMatch(/id: \d+\.\d+\nevent: incident/);
  });

  it('says in one go what came in a burst: the newest state of each incident', async () => {
    const stream = await listen();
    await desk.tell(cardReport(1, 3));
    for (let size = 4; size < 30; size++) await desk.tell(cardReport(size, size));
    await desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
    await expect.poll(() => stream.text()).toContain('"status":"acknowledged"');
    const events = stream.text().match(/event: incident/g)?.length ?? 0;
    expect(events).toBeLessThan(27);
  });

  it('tells of settings too, and of a refusal nothing', async () => {
    await desk.tell(cardReport(1, 3));
    const stream = await listen();
    await expect(desk.tell({ type: 'reopen', incident: 'INC-1' }, ANA)).rejects.toThrow('cannot be reopened');
    await desk.tell(settingsCommand(detectorSettings({ mode: 'shadow' }), { basedOn: 1 }), ANA);
    await expect.poll(() => stream.text()).toContain('event: detector\ndata: {"detector":"card-declines"}');
    expect(stream.text()).not.toContain('event: incident');
  });

  it('takes a hundred listeners, and one more when one has gone', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => listen()));
    const { status } = await fetch(`${desk.url}/api/stream`);
    expect(status).toBe(503);
    all[0]?.socket.destroy();
    await expect
      .poll(async () => {
        const ending = new AbortController();
        const answer = await fetch(`${desk.url}/api/stream`, { signal: ending.signal });
        ending.abort();
        return answer.status;
      })
      .toBe(200);
  });

  it('is not held up by a listener that does not read', async () => {
    await listen({ reads: false });
    const stream = await listen();
    await desk.tell(cardReport(1, 3));
    await expect.poll(() => stream.text()).toContain('"id":"INC-1"');
  });

  it('ends when the console closes, which does not wait for it', async () => {
    const stream = await listen();
    await desk.console.close();
    await expect.poll(() => stream.ended()).toBe(true);
  });
});
