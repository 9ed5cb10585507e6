// What is shipped may be shipped: every package that runs with the program has a permissive licence, and none that is only
// used to develop has one that would reach further.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

type Locked = { readonly license?: string; readonly dev?: boolean; readonly link?: boolean };

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const all = Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && link !== true);

const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSD',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  'Python-2.0',
]);
/** Weak: of a tool that is run and not shipped it asks nothing. */
const OF_TOOLS = new Set(['MPL-2.0']);
/** Their manifests name the licence in an old form: MIT, each. */
const OLD_FORM = new Set(['node_modules/buildcheck', 'node_modules/cpu-features', 'node_modules/ssh2']);

const isAmong = (licences: ReadonlySet<string>, license: string | undefined): boolean =>
  (license ?? '').split(/\s+OR\s+/).some((one) => licences.has(one.replace(/[()]/g, '')));

describe('licences', () => {
  it('of what is shipped are permissive', () => {
    const shipped = all.filter(([, { dev }]) => dev !== true);
    expect(shipped.length).toBeGreaterThan(100);
    expect(
      shipped
        .filter(([, { license }]) => !isAmong(PERMISSIVE, license))
        .map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([]);
  });

  it('of what is used to develop ask nothing of what is shipped', () => {
    const tools = all.filter(([path, { dev }]) => dev === true && !OLD_FORM.has(path));
    const odd = tools.filter(([, { license }]) => !isAmong(new Set([...PERMISSIVE, ...OF_TOOLS]), license));
    expect(odd.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });
});
