// An own stand-in of the Google Sheets API on loopback, for the real Google client: keys, shares, quotas, error bodies, lost
// answers, atomic batches, and people who sort, move and type. What it does not know it refuses as not implemented.
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyAll, type Book, matchMarks, newBook, Refused } from './local-sheets-book.ts';
import { type Hands, handsOn } from './local-sheets-hands.ts';
import { areaOfA1, areasOf, markJson, masked, spreadsheetJson, valueRange } from './local-sheets-reads.ts';

type Kind = 'read' | 'write';
type SheetsFault = {
  readonly on: Kind | 'any';
  /** `lost`: carried out, then the connection drops; `hang`: carried out, never answered; `refused`: dropped before it. */
  readonly kind:
    | 'lost'
    | 'hang'
    | 'drop'
    | number
    | { readonly status: number; readonly message: string; readonly reason?: string };
  readonly times: number;
};

export type LocalSheets = {
  readonly url: string;
  readonly spreadsheetId: string;
  readonly email: string;
  readonly credentialsFile: string;
  /** The variables that point the program at it. */
  readonly env: Readonly<Record<string, string>>;
  /** A person with the sheet open. */
  readonly hands: Hands;
  /** Ids in the id columns of all tabs of rows, from top to bottom. */
  incidentIds(): string[];
  /** The calls that came, refused ones included. */
  readonly calls: { readonly at: number; readonly kind: Kind; readonly path: string; status: number }[];
  fault(fault: SheetsFault): void;
  /** Runs once, after the next call of that kind has arrived and before it is carried out. */
  between(kind: Kind, act: () => void): void;
  /** The next call of that kind waits for it before it is carried out. */
  hold(kind: Kind, until: Promise<void>): void;
  /** Calls that wait. */
  held(): number;
  /** Every write with this text in it is refused. */
  refuseText(text: string): void;
  /** What the service account may, and what the project has. */
  readonly state: {
    share: 'editor' | 'reader' | 'none';
    isApiOn: boolean;
    isKeyRevoked: boolean;
    readsPerMinute: number;
    writesPerMinute: number;
  };
  /** A copy as "Make a copy" makes it: with its marks. Answers its id. */
  copy(): string;
  /** A key file's content that this server does not know. */
  keyOfAnother(): Readonly<Record<string, string>>;
  /** An empty spreadsheet again, and nothing remembered. */
  reset(): void;
  close(): Promise<void>;
};

export async function startLocalSheets({ now = Date.now }: { readonly now?: () => number } = {}): Promise<LocalSheets> {
  const spreadsheetId = '1LocalSheetForTests_0123456789abcdefghijklmn';
  const email = 'declinewatch@local-project.iam.gserviceaccount.com';
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-google-'));
  const credentialsFile = join(folder, 'key.json');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(
    credentialsFile,
    JSON.stringify({
      type: 'service_account',
      project_id: 'local-project',
      private_key_id: 'k1',
      private_key: pem,
      client_email: email,
    }),
    { mode: 0o600 },
  );
  const books = new Map<string, Book>([[spreadsheetId, newBook('Fraud incidents')]]);
  const faults: { on: SheetsFault['on']; kind: SheetsFault['kind']; times: number }[] = [];
  const betweens: { readonly kind: Kind; readonly act: () => void }[] = [];
  const holds: { readonly kind: Kind; readonly until: Promise<void> }[] = [];
  let held = 0;
  let refusedText: string | null = null;
  const calls: LocalSheets['calls'] = [];
  const state: LocalSheets['state'] = {
    share: 'editor',
    isApiOn: true,
    isKeyRevoked: false,
    readsPerMinute: 60,
    writesPerMinute: 60,
  };

  const isSigned = (header: string | undefined): boolean => {
    const [head = '', body = '', signature = ''] = (header ?? '').replace(/^Bearer /, '').split('.');
    if (
      state.isKeyRevoked ||
      !verify('RSA-SHA256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'))
    )
      return false;
    const { iss, scope, exp } = JSON.parse(Buffer.from(body, 'base64url').toString());
    return iss === email && scope === 'https://www.googleapis.com/auth/spreadsheets' && exp * 1000 > Date.now();
  };

  const refusal = (kind: Kind, id: string, authorization: string | undefined): Answer | null => {
    if (!isSigned(authorization))
      return googleError(401, 'Request had invalid authentication credentials.', 'UNAUTHENTICATED');
    if (!state.isApiOn)
      return googleError(
        403,
        'Google Sheets API has not been used in project 1 before or it is disabled.',
        'PERMISSION_DENIED',
        'SERVICE_DISABLED',
      );
    const minute = Math.floor(now() / 60_000);
    const used = calls.filter(
      (call) => call.kind === kind && call.status !== 429 && Math.floor(call.at / 60_000) === minute,
    ).length;
    const limit = kind === 'write' ? state.writesPerMinute : state.readsPerMinute;
    // The call itself is in the list already.
    if (used > Math.min(limit, 300)) return quotaError(kind);
    if (!books.has(id)) return googleError(404, 'Requested entity was not found.', 'NOT_FOUND');
    if (state.share === 'none' || (kind === 'write' && state.share === 'reader'))
      return googleError(403, 'The caller does not have permission', 'PERMISSION_DENIED');
    return null;
  };

  const takeFault = (kind: Kind): SheetsFault['kind'] | null => {
    const fault = faults.find((one) => one.times > 0 && (one.on === 'any' || one.on === kind));
    if (fault === undefined) return null;
    fault.times -= 1;
    return fault.kind;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
    const [, id = '', rest = ''] = /^\/v4\/spreadsheets\/([^/:]+)(.*)$/.exec(pathname) ?? [];
    const kind: Kind = rest === ':batchUpdate' ? 'write' : 'read';
    const body = await readJson(request);
    const call = { at: now(), kind, path: `${request.method} ${rest}`, status: 0 };
    calls.push(call);
    let fault = takeFault(kind);
    if (fault === 'drop') return void request.socket.destroy();
    const hold = holds.findIndex((one) => one.kind === kind);
    if (hold !== -1) {
      held += 1;
      await holds.splice(hold, 1)[0]?.until;
      held -= 1;
    }
    const isPoison = refusedText !== null && kind === 'write' && JSON.stringify(body).includes(refusedText);
    if (isPoison && fault === null) fault = { status: 400, message: `Invalid value: ${refusedText}` };
    const refused = refusal(kind, id, request.headers.authorization) ?? faultAnswer(fault);
    if (refused === null) {
      const index = betweens.findIndex((one) => one.kind === kind);
      if (index !== -1) betweens.splice(index, 1)[0]?.act();
    }
    const answer = refused ?? carryOut({ books, id, rest, method: request.method ?? '', body });
    call.status = answer.status;
    if (fault === 'lost') return void request.socket.destroy();
    if (fault === 'hang') return;
    response.writeHead(answer.status, { 'content-type': 'application/json; charset=UTF-8' });
    response.end(JSON.stringify(answer.status === 200 ? masked(answer.body, searchParams.get('fields')) : answer.body));
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const hands = handsOn({
    book: () => books.get(spreadsheetId) ?? newBook(''),
    change: (requests) => books.set(spreadsheetId, applyAll(books.get(spreadsheetId) ?? newBook(''), requests)),
  });
  return {
    url,
    spreadsheetId,
    email,
    credentialsFile,
    env: { GOOGLE_SHEET_ID: spreadsheetId, GOOGLE_APPLICATION_CREDENTIALS: credentialsFile, GOOGLE_SHEETS_URL: url },
    hands,
    incidentIds: () => hands.incidentIds(),
    calls,
    state,
    fault: (fault) => faults.push({ ...fault }),
    between: (kind, act) => betweens.push({ kind, act }),
    hold: (kind, until) => holds.push({ kind, until }),
    held: () => held,
    refuseText: (text) => {
      refusedText = text;
    },
    copy: () => {
      const id = `${spreadsheetId}_copy${books.size}`;
      books.set(id, structuredClone(books.get(spreadsheetId) ?? newBook('')));
      return id;
    },
    keyOfAnother: () => {
      const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      });
      return { type: 'service_account', client_email: email, private_key: String(other) };
    },
    reset: () => {
      books.set(spreadsheetId, newBook('Fraud incidents'));
      for (const list of [calls, faults, betweens, holds]) list.splice(0);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Answer = { readonly status: number; readonly body: unknown };

function googleError(code: number, message: string, status: string, reason?: string): Answer {
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata: { service: 'sheets.googleapis.com' },
  };
  return {
    status: code,
    body: { error: { code, message, status, ...(reason === undefined ? {} : { details: [info] }) } },
  };
}

function quotaError(kind: Kind): Answer {
  const metric = kind === 'write' ? 'Write requests' : 'Read requests';
  const message = `Quota exceeded for quota metric '${metric}' and limit '${metric} per minute per user' of service 'sheets.googleapis.com' for consumer 'project_number:1'.`;
  return googleError(429, message, 'RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED');
}

function faultAnswer(fault: SheetsFault['kind'] | null): Answer | null {
  if (fault === 429) return quotaError('write');
  if (typeof fault === 'number') return googleError(fault, 'The service is currently unavailable.', 'UNAVAILABLE');
  if (typeof fault === 'object' && fault !== null)
    return googleError(fault.status, fault.message, 'INVALID_ARGUMENT', fault.reason);
  return null;
}

type Call = {
  readonly books: Map<string, Book>;
  readonly id: string;
  readonly rest: string;
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: a body as it comes over the wire.
  readonly body: any;
};

function carryOut({ books, id, rest, method, body }: Call): Answer {
  const book = books.get(id) ?? newBook('');
  try {
    if (method === 'GET' && rest === '') return { status: 200, body: spreadsheetJson(book, id, null) };
    if (rest === ':getByDataFilter') {
      const areas = body.dataFilters.flatMap((filter: object) => areasOf(book, filter));
      return { status: 200, body: spreadsheetJson(book, id, areas) };
    }
    if (rest === '/values:batchGetByDataFilter') {
      const valueRanges = body.dataFilters.flatMap((filter: object) =>
        areasOf(book, filter).map((area) => ({ valueRange: valueRange(area), dataFilters: [filter] })),
      );
      return { status: 200, body: { spreadsheetId: id, valueRanges } };
    }
    if (rest === '/developerMetadata:search') {
      const found = new Set(body.dataFilters.flatMap((filter: object) => matchMarks(book, filter)));
      const matchedDeveloperMetadata = book.marks
        .filter((mark) => found.has(mark))
        .map((mark) => ({ developerMetadata: markJson(mark) }));
      return { status: 200, body: matchedDeveloperMetadata.length === 0 ? {} : { matchedDeveloperMetadata } };
    }
    if (rest === ':batchUpdate') {
      const after = applyAll(book, body.requests ?? []);
      // Ranges to be shown are checked before anything is kept.
      const areas = (body.responseRanges ?? []).map((range: string) => areaOfA1(after, range));
      books.set(id, after);
      const shown =
        body.includeSpreadsheetInResponse === true ? { updatedSpreadsheet: spreadsheetJson(after, id, areas) } : {};
      return { status: 200, body: { spreadsheetId: id, replies: body.requests.map(() => ({})), ...shown } };
    }
    return googleError(501, `${method} ${rest} not implemented`, 'UNIMPLEMENTED');
  } catch (error) {
    if (error instanceof Refused) return googleError(400, error.message, 'INVALID_ARGUMENT');
    return googleError(400, `Invalid JSON payload received: ${String(error)}`, 'INVALID_ARGUMENT');
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}
