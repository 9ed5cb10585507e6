import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { keptPiiKey, knownPiiKey, markOf } from '../../../src/app/pii-key.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-key-'));
  folders.push(folder);
  return folder;
}

describe('the key of the masks', () => {
  it('is made once, and by nobody who only asks', () => {
    const folder = newFolder();
    expect(knownPiiKey(join(folder, 'data'))).toBeNull();
    expect(existsSync(join(folder, 'data'))).toBe(false);
    const key = keptPiiKey(join(folder, 'data'));
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(keptPiiKey(join(folder, 'data'))).toBe(key);
    expect(knownPiiKey(join(folder, 'data'))).toBe(key);
  });

  it('has a mark that tells it from others, and nothing of it', () => {
    const [one, other] = [keptPiiKey(newFolder()), keptPiiKey(newFolder())];
    expect(markOf(one)).toMatch(/^[0-9a-f]{12}$/);
    expect(markOf(one)).toBe(markOf(one));
    expect(markOf(one)).not.toBe(markOf(other));
    expect(one).not.toContain(markOf(one));
  });
});
