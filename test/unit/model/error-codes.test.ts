// Every error code has its heading in docs/errors.md with a cause and a cure, and every heading its code; every code is used.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, knownCode } from '../../../src/model/error-codes.ts';

const ROOT = join(import.meta.dirname, '../../..');
const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');

describe('error codes', () => {
  it('are the headings of docs/errors.md, in its order', () => {
    expect([...page.matchAll(/^### `([a-z_]+)`$/gm)].map(([, code]) => code)).toEqual([...ERROR_CODES]);
  });

  it('each have a cause and a cure there', () => {
    const sections = page.split(/^### /m).slice(1);
    expect(sections).toHaveLength(ERROR_CODES.length);
    for (const section of sections) expect(section).toMatch(/^`[a-z_]+`\n\n[A-Z`].+\n\n\*\*Cure:\*\* .+/);
  });

  it('are all used', () => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT })
      .filter((file) => !file.endsWith('model/error-codes.ts'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    expect(ERROR_CODES.filter((code) => !sources.includes(`'${code}'`) && !sources.includes(`${code}:`))).toEqual([]);
  });

  it('from elsewhere are taken if they are known', () => {
    expect(knownCode('log_gap', 'internal')).toBe('log_gap');
    expect(knownCode('made_up', 'internal')).toBe('internal');
    expect(knownCode(undefined, 'service_error')).toBe('service_error');
  });
});
