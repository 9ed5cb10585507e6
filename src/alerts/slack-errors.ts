// What an error of Slack means for a delivery. Source of the codes: Slack's pages on chat.postMessage, chat.update and
// conversations.history.
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import type { Result } from '../deliveries/sink.ts';
import { messageOf } from '../model/errors.ts';

export type SlackFailure =
  | { readonly kind: 'retry'; readonly result: Extract<Result, { outcome: 'retry' }> }
  /** The message itself is refused: plain text may pass. */
  | { readonly kind: 'bad-message'; readonly code: string }
  /** The message to be edited is not there. */
  | { readonly kind: 'gone'; readonly code: string }
  /** Refused until a person changes something: the channel, a permission of the channel. */
  | { readonly kind: 'refused'; readonly code: string };

const BAD_MESSAGE = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_arguments',
  'invalid_array_arg',
  'msg_blocks_too_long',
  'msg_too_long',
  'block_mismatch',
  'metadata_too_large',
  'invalid_metadata_format',
  'invalid_metadata_schema',
  'no_text',
]);
/** The token or the app: nothing can be delivered until it is put right. */
const NO_ACCESS = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'no_permission',
  'missing_scope',
  'access_denied',
  'team_access_not_granted',
  'ekm_access_denied',
  'org_login_required',
  'team_added_to_org',
  'accesslimited',
  'not_allowed_token_type',
  'two_factor_setup_required',
]);
const THROTTLED = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);
const TRANSIENT = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout']);
const GONE = new Set(['message_not_found', 'thread_not_found']);
const NOT_CONNECTED = /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)\b/;

export function classifySlackError(error: unknown): SlackFailure {
  if (error instanceof WebAPIRateLimitedError)
    return retry('no', 'Slack asks to wait (ratelimited)', error.retryAfter * 1000);
  if (error instanceof WebAPIHTTPError)
    return retry(error.statusCode >= 500 ? 'maybe' : 'no', `Slack answered HTTP ${error.statusCode}`);
  if (error instanceof WebAPIRequestError) {
    const reason = reasonOf(error.original);
    return retry(NOT_CONNECTED.test(reason) ? 'no' : 'maybe', `Slack cannot be reached (${reason.slice(0, 200)})`);
  }
  if (!(error instanceof WebAPIPlatformError)) return retry('maybe', messageOf(error));
  const code = String(error.data.error);
  if (THROTTLED.has(code)) return retry('no', `Slack refuses for now (${code})`);
  if (TRANSIENT.has(code)) return retry('maybe', `Slack has an error (${code})`);
  if (NO_ACCESS.has(code)) return retry('no', `${help(code)} (${code})`);
  if (BAD_MESSAGE.has(code)) return { kind: 'bad-message', code };
  if (GONE.has(code)) return { kind: 'gone', code };
  return { kind: 'refused', code };
}

/** What a look-up that failed says. A channel that is not there holds nothing; without the permission to read it, nobody can tell. */
export function answerOfLookUp(error: unknown): 'unknown' | 'later' | null {
  const failure = classifySlackError(error);
  if (failure.kind === 'retry') return /missing_scope|no_permission/.test(failure.result.error) ? 'unknown' : 'later';
  return failure.code === 'channel_not_found' || failure.kind === 'gone' ? null : 'unknown';
}

function retry(sent: 'no' | 'maybe', error: string, retryAfterMs?: number): SlackFailure {
  const result = { outcome: 'retry', scope: 'output', sent, error } as const;
  return { kind: 'retry', result: retryAfterMs === undefined ? result : { ...result, retryAfterMs } };
}

/** The code and the cure, for the log, the health page and the failed delivery. */
export function refusalMessage(code: string, channel: string): string {
  if (code === 'channel_not_found')
    return `channel_not_found: the bot sees no channel ${channel}. Check SLACK_CHANNEL and invite the bot to it.`;
  if (code === 'not_in_channel') return `not_in_channel: invite the bot to ${channel} (/invite in the channel).`;
  if (code === 'is_archived')
    return `is_archived: channel ${channel} is archived. Unarchive it, or set SLACK_CHANNEL to another.`;
  if (code === 'is_ext_shared')
    return `is_ext_shared: channel ${channel} is shared with another organisation, whose members would read every alert. Set SLACK_CHANNEL to one of your own.`;
  return `${code}: Slack refuses messages to ${channel}.`;
}

function help(code: string): string {
  if (code === 'missing_scope' || code === 'no_permission')
    return 'The app lacks a permission: install it again from the manifest';
  return 'Slack does not accept SLACK_BOT_TOKEN: check it, or install the app again';
}

/** The texts of an error and its causes, with their codes. */
function reasonOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  const cause = error.cause === undefined ? '' : `: ${reasonOf(error.cause, depth + 1)}`;
  return `${code}${error.message}${cause}`;
}
