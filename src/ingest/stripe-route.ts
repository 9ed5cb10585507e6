// `POST /webhooks/stripe`: raw body, signature, then the log; the answer says what Stripe should do (design §7).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Acceptor } from './accept.ts';
import { declaredLength, type HttpRefusal, MAX_BODY_BYTES, readBody, refuse, sendJson } from './http.ts';
import type { Accepted, DeadReason } from './records.ts';
import { headerProblem, isSignedByStripe, type SignatureProblem } from './signature.ts';

type WebhookOutcome =
  | Accepted['kind']
  | SignatureProblem
  | 'not_json'
  | 'too_large'
  | 'broken_body'
  | 'log_unavailable';

export type WebhookMetrics = {
  /** Once a request. */
  answered(outcome: WebhookOutcome): void;
  /** Of those, once a dead letter. */
  deadLettered(reason: DeadReason): void;
};

export type WebhookTotals = {
  /** Requests by outcome since the start. */
  readonly outcomes: Readonly<Partial<Record<WebhookOutcome, number>>>;
  /** Milliseconds: when the newest event that the log has was received; null: none yet. */
  readonly lastAcceptedAt: number | null;
};

export type StripeRouteOptions = {
  readonly acceptor: Acceptor;
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WebhookMetrics | undefined;
  /** Longest that a request waits for the log before it is answered 503. */
  readonly appendWaitMs: number;
};

export type StripeRoute = {
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  totals(): WebhookTotals;
  /** Answers 503 to whoever still waits for the log: the server stops. */
  hurry(): void;
};

type Refusal = HttpRefusal & {
  readonly outcome: Exclude<WebhookOutcome, Accepted['kind']>;
  /** For the program's log alone; default: the error's message. */
  readonly detail?: string;
};

export function createStripeRoute(options: StripeRouteOptions): StripeRoute {
  const { clock, metrics } = options;
  const outcomes: Partial<Record<WebhookOutcome, number>> = {};
  const complain = createComplaints(options);
  const waiting = new Set<AbortController>();
  let lastAcceptedAt: number | null = null;
  return {
    handle: async (req, res) => {
      const startedAt = clock.now();
      const answer = await answerTo(req, options, waiting);
      const outcome = 'kind' in answer ? answer.kind : answer.outcome;
      if ('kind' in answer) {
        lastAcceptedAt = startedAt;
        sendJson(res, 200, { received: true });
        if (answer.kind === 'dead_letter') {
          metrics?.deadLettered(answer.reason);
          complain(answer.reason, answer.message);
        }
      } else {
        refuse(req, res, answer);
        complain(outcome, answer.detail ?? answer.error.message);
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      metrics?.answered(outcome);
    },
    totals: () => ({ outcomes: { ...outcomes }, lastAcceptedAt }),
    hurry: () => {
      for (const request of waiting) request.abort();
    },
  };
}

async function answerTo(
  req: IncomingMessage,
  options: StripeRouteOptions,
  waiting: Set<AbortController>,
): Promise<Accepted | Refusal> {
  const { secrets, clock } = options;
  const given = req.headers['stripe-signature'];
  const header = typeof given === 'string' ? given : '';
  // What can be refused by its headers costs no more than them.
  if (declaredLength(req) > MAX_BODY_BYTES) return TOO_LARGE;
  const problem = headerProblem(header, clock.now());
  if (problem !== null) return badSignature(problem);
  const body = await readBody(req);
  if ('problem' in body) return body.problem === 'too_large' ? TOO_LARGE : BROKEN;
  const receivedAt = clock.now();
  if (!isSignedByStripe({ body: body.bytes, header, nowMs: receivedAt }, secrets)) return badSignature('bad_signature');
  const event = parse(body.bytes);
  if (event === undefined) return NOT_JSON;
  return await acceptWithin({ event, receivedAt }, options, waiting);
}

/** A reason of our own: else each request would make an error with its stack. */
const ANSWERED = 'answered';

type Received = { readonly event: unknown; readonly receivedAt: number };

async function acceptWithin(
  { event, receivedAt }: Received,
  { acceptor, clock, appendWaitMs }: StripeRouteOptions,
  waiting: Set<AbortController>,
): Promise<Accepted | Refusal> {
  const patience = new AbortController();
  const { signal } = patience;
  waiting.add(patience);
  try {
    const late = clock.sleep(appendWaitMs, signal).then(() => null);
    const accepted = await Promise.race([acceptor.accept([event], { receivedAt, signal }), late]);
    return accepted?.[0] ?? unavailable(`The log did not answer within ${appendWaitMs} ms.`);
  } catch (error) {
    return unavailable(messageOf(error));
  } finally {
    waiting.delete(patience);
    patience.abort(ANSWERED);
  }
}

/** Undefined if it is not JSON (JSON has no undefined). */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

const COMPLAIN_EVERY_MS = 10_000;

/** One line for each reason in ten seconds, with how many there were: whoever floods the port does not flood the log. */
function createComplaints({ logger, clock }: StripeRouteOptions): (reason: string, message: string) => void {
  const told = new Map<string, { at: number; since: number }>();
  return (reason, message) => {
    const now = clock.now();
    const before = told.get(reason);
    if (before !== undefined && now - before.at < COMPLAIN_EVERY_MS) {
      before.since += 1;
      return;
    }
    told.set(reason, { at: now, since: 0 });
    logger.warn({ reason, before: before?.since ?? 0 }, `webhook: ${message}`);
  };
}

const SIGNATURE_MESSAGES: Readonly<Record<SignatureProblem, string>> = {
  missing_signature: 'The request has no Stripe-Signature header.',
  bad_signature: 'The signature does not match the body.',
  expired_signature: 'The signature is more than 5 minutes old.',
  future_signature: 'The signature is dated more than 5 minutes ahead.',
};

const SIGNATURE_HELP: Readonly<Record<SignatureProblem, string>> = {
  missing_signature: 'Only webhooks that Stripe has signed are taken; events from an event bus are not signed.',
  bad_signature:
    'Put the signing secret of this destination (whsec_…) into STRIPE_WEBHOOK_SECRET; a proxy in front must pass the body on unchanged.',
  expired_signature: 'Check the clock of this machine; what was recorded cannot be sent again.',
  future_signature: 'Check the clock of this machine.',
};

const badSignature = (problem: SignatureProblem): Refusal => ({
  outcome: problem,
  status: 400,
  error: { code: 'invalid_request', message: SIGNATURE_MESSAGES[problem], help: SIGNATURE_HELP[problem] },
});

const unavailable = (detail: string): Refusal => ({
  outcome: 'log_unavailable',
  detail,
  status: 503,
  error: {
    code: 'log_unavailable',
    message: 'The event could not be recorded now.',
    help: 'Stripe sends it again for three days. The reason is in the log of the program.',
  },
});

const TOO_LARGE: Refusal = {
  outcome: 'too_large',
  status: 413,
  error: { code: 'too_large', message: 'The body is larger than 1 MiB.', help: 'No event of Stripe is that large.' },
};

const NOT_JSON: Refusal = {
  outcome: 'not_json',
  status: 400,
  error: { code: 'invalid_request', message: 'The body is signed but it is not JSON.', help: 'Send a Stripe event.' },
};

const BROKEN: Refusal = {
  outcome: 'broken_body',
  status: 400,
  error: { code: 'invalid_request', message: 'The body did not arrive whole.', help: 'Send it again.' },
};
