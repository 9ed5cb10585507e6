import { expect, it } from 'vitest';
import { briefStatusJson, statusJson } from '../../../src/console/health.ts';

const health = {
  ready: false,
  parts: [{ name: 'slack', state: 'down', message: 'The token of T123 was revoked.', help: 'Install again.' } as const],
};

it('says all to whom it may, and names without reasons to anybody else', () => {
  expect(statusJson(health).parts).toEqual([
    { name: 'slack', state: 'down', detail: 'The token of T123 was revoked.', cure: 'Install again.' },
  ]);
  expect(briefStatusJson(health)).toEqual({
    ready: false,
    parts: [{ name: 'slack', state: 'down', detail: '', cure: '' }],
  });
});
