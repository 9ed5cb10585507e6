import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { backtestCommand } from '../../../src/cli/backtest.ts';
import { openDatabase } from '../../../src/log/database.ts';
import { openSqliteLog } from '../../../src/log/sqlite.ts';
import { view } from '../../support/detect.ts';
import { runCommand } from './run-command.ts';

const DETECTORS = ['--detectors', join(import.meta.dirname, '../../fixtures/backtest/detectors.yaml')];

describe('backtest --since', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-'));
    vi.stubEnv('DECLINEWATCH_DATA', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('counts what the service has recorded since then, while it runs', async () => {
    const nowS = Math.floor(Date.now() / 1_000);
    const database = await openDatabase({ file: join(folder, 'declinewatch.db'), owner: 'test' });
    const log = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
    const fields = { card: 'fp_a', result: { outcome: 'declined', code: 'do_not_honor', class: 'G' } } as const;
    const recorded = [
      view('ch_old', nowS - 7_300, { fields }),
      view('ch_1', nowS - 300, { fields }),
      view('ch_2', nowS - 200, { fields, lane: 'history' }),
      view('ch_3', nowS - 100, { fields }),
      view('ch_3', nowS - 100, { fields, receivedAt: nowS * 1_000 }),
    ];
    await log.append('attempts', [
      ...recorded.map((record) => ({
        key: 'self/live',
        value: encodeAttemptsRecord(record),
        timeMs: record.receivedAt,
      })),
      { key: 'self/live', value: 'broken', timeMs: nowS * 1_000 },
    ]);
    const { code, out, err } = await runCommand(backtestCommand, [
      '--since',
      '2h',
      ...DETECTORS,
      '--json',
      '--skip-bad',
    ]);
    await log.close();
    await database.close();
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.find(({ detector }) => detector === 'card')).toMatchObject({
      entity: { kind: 'card', value: 'fp_a' },
      peak: 3,
      attempts: ['ch_1', 'ch_2', 'ch_3'],
    });
    expect(lines.at(-1).summary).toMatchObject({ events: 4, duplicates: 1, ignored: 0, bad: 1, attempts: 3 });
    expect(err).toMatch(/attempts, partition 0, offset 5: /);
    expect(code).toBe(0);
  });

  it('says that nothing has been recorded yet', async () => {
    const { code, out, err } = await runCommand(backtestCommand, ['--since', '7d', ...DETECTORS, '--json']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('There is no log');
    expect(err).toContain('DECLINEWATCH_DATA');
  });

  it.each([
    [['--since', 'yesterday']],
    [['--since', '0d']],
    [['--since', '7d', '--events', 'x']],
    [['--since', '7d', 'x']],
  ])('%j is wrong usage', async (args) => {
    expect((await runCommand(backtestCommand, args)).code).toBe(2);
  });
});
