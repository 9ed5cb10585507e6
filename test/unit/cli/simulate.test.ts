import { describe, expect, it } from 'vitest';
import { simulateCommand } from '../../../src/cli/simulate.ts';
import { SCENARIOS } from '../../../src/simulate/scenarios.ts';
import { runCommand } from './run-command.ts';

describe('simulate', () => {
  it('names its scenarios, for people and for programs, without an address', async () => {
    const text = await runCommand(simulateCommand, ['--list']);
    expect(text.code).toBe(0);
    for (const name of SCENARIOS) expect(text.out).toMatch(new RegExp(`^${name} +\\S`, 'm'));
    const json = await runCommand(simulateCommand, ['--list', '--json']);
    expect((JSON.parse(json.out) as { name: string }[]).map(({ name }) => name)).toEqual([...SCENARIOS]);
  });

  it.each([
    [[], '--to takes the address'],
    [['--to', 'nowhere'], '--to takes the address'],
    [['--to', 'http://127.0.0.1:1/', '--scenario', 'none'], 'There is no scenario "none"'],
    [['--to', 'http://127.0.0.1:1/', '--secret', 's', '--rate', '0'], '--rate takes a number above 0'],
  ])('refuses %j', async (args, problem) => {
    const result = await runCommand(simulateCommand, args);
    expect(result.code).toBe(2);
    expect(result.err).toContain(problem);
  });
});
