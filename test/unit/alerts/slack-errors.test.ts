import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import { describe, expect, it } from 'vitest';
import { classifySlackError, refusalMessage } from '../../../src/alerts/slack-errors.ts';

const platform = (error: string) => new WebAPIPlatformError({ ok: false, error });
const network = (code: string) =>
  new WebAPIRequestError(Object.assign(new Error('fetch failed'), { cause: Object.assign(new Error('x'), { code }) }));

describe('classifySlackError', () => {
  it('waits as long as a 429 asks for', () => {
    expect(classifySlackError(new WebAPIRateLimitedError(7))).toMatchObject({
      kind: 'retry',
      result: { sent: 'no', scope: 'output', retryAfterMs: 7_000 },
    });
  });

  it.each([
    ['ECONNREFUSED', 'no'],
    ['ENOTFOUND', 'no'],
    ['UND_ERR_CONNECT_TIMEOUT', 'no'],
    ['ECONNRESET', 'maybe'],
    ['UND_ERR_SOCKET', 'maybe'],
  ])('after %s it was sent: %s', (code, sent) => {
    expect(classifySlackError(network(code))).toMatchObject({ kind: 'retry', result: { sent } });
  });

  it.each([
    [500, 'maybe'],
    [503, 'maybe'],
    [404, 'no'],
  ])('after HTTP %d it was sent: %s', (status, sent) => {
    expect(classifySlackError(new WebAPIHTTPError(status, '', {}))).toMatchObject({ kind: 'retry', result: { sent } });
  });

  it.each([
    ['invalid_blocks', 'bad-message'],
    ['msg_blocks_too_long', 'bad-message'],
    ['message_not_found', 'gone'],
    ['channel_not_found', 'refused'],
    ['is_archived', 'refused'],
    ['something_new', 'refused'],
    ['invalid_auth', 'retry'],
    ['missing_scope', 'retry'],
    ['ratelimited', 'retry'],
    ['internal_error', 'retry'],
  ])('%s is %s', (code, kind) => {
    expect(classifySlackError(platform(code)).kind).toBe(kind);
  });

  it('knows that a refused token has posted nothing, and that an error of Slack may have', () => {
    expect(classifySlackError(platform('token_revoked'))).toMatchObject({
      result: { sent: 'no', error: expect.stringContaining('SLACK_BOT_TOKEN') },
    });
    expect(classifySlackError(platform('fatal_error'))).toMatchObject({ result: { sent: 'maybe' } });
    expect(classifySlackError(new Error('what'))).toMatchObject({ kind: 'retry', result: { sent: 'maybe' } });
  });

  it('names the cure', () => {
    expect(refusalMessage('not_in_channel', 'C1')).toContain('/invite');
    expect(refusalMessage('new_code', 'C1')).toContain('new_code');
  });
});
