// The one connection to Google Sheets: the service account's key file, the calls that are used, and nothing that repeats
// them by itself. Every call is paced, bounded in time, and rejects with a SheetsError.
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { auth, sheets, type sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { failureOf, SheetsError, type SheetsFailure } from './sheets-errors.ts';
import { createPace, READS_PER_MINUTE, WRITES_PER_MINUTE } from './sheets-pace.ts';

export type Request = sheets_v4.Schema$Request;
export type Spreadsheet = sheets_v4.Schema$Spreadsheet;
export type DataFilter = sheets_v4.Schema$DataFilter;
export type DeveloperMetadata = sheets_v4.Schema$DeveloperMetadata;
export type MatchedRange = sheets_v4.Schema$MatchedValueRange;

export type SheetsSettings = {
  readonly sheetId: string;
  readonly credentialsFile: string;
  /** Another server in place of Google, ends in `/`; null: Google. */
  readonly url: string | null;
};

/** Each call is one read or one write of Google's quota. All reject with a SheetsError. */
export type SheetsApi = {
  readonly spreadsheetId: string;
  /** The service account. */
  readonly email: string;
  get(fields: string, signal: AbortSignal): Promise<Spreadsheet>;
  /** Cells of ranges with what is set on them. */
  grid(filters: readonly DataFilter[], fields: string, signal: AbortSignal): Promise<Spreadsheet>;
  metadata(filters: readonly DataFilter[], signal: AbortSignal): Promise<readonly DeveloperMetadata[]>;
  /** Plain values; what is empty at the end of a row or a column is not there. */
  values(filters: readonly DataFilter[], signal: AbortSignal): Promise<readonly MatchedRange[]>;
  /** All requests or none. `show`: A1 ranges whose values are answered as they are afterwards. */
  write(requests: readonly Request[], show: readonly string[], signal: AbortSignal): Promise<Spreadsheet | null>;
};

export type SheetsClientOptions = {
  readonly settings: SheetsSettings;
  readonly clock: Clock;
  /** Of one call. Default 60 s: a batch of rows may take Google some seconds. */
  readonly timeoutMs?: number;
};

export type SheetsClient = {
  /** Reads the key file when it is first needed and whenever Google has refused the key. Rejects with a SheetsError. */
  connect(): Promise<SheetsApi>;
};

const SCOPE = 'https://www.googleapis.com/auth/spreadsheets';
const TIMEOUT_MS = 60_000;
const SHOWN_FIELDS =
  'updatedSpreadsheet(sheets(properties(sheetId),data(startRow,startColumn,rowData(values(userEnteredValue)))))';

export function createSheetsClient(options: SheetsClientOptions): SheetsClient {
  let connected: SheetsApi | null = null;
  const { clock } = options;
  const reads = createPace({ clock, perMinute: READS_PER_MINUTE });
  const writes = createPace({ clock, perMinute: WRITES_PER_MINUTE });
  const forget = (failure: SheetsFailure): void => {
    if (failure.code === 'sheet_key_invalid') connected = null;
  };
  return {
    connect: async () => {
      connected ??= createApi(await readKey(options.settings.credentialsFile), { ...options, reads, writes, forget });
      return connected;
    },
  };
}

type ServiceKey = { readonly email: string; readonly privateKey: string; readonly keyId: string | null };
type Paces = { readonly reads: ReturnType<typeof createPace>; readonly writes: ReturnType<typeof createPace> };
type ApiOptions = SheetsClientOptions & Paces & { readonly forget: (failure: SheetsFailure) => void };

function createApi({ email, privateKey, keyId }: ServiceKey, options: ApiOptions): SheetsApi {
  const { settings, timeoutMs = TIMEOUT_MS, reads, writes, forget } = options;
  const { sheetId: spreadsheetId, url } = settings;
  const jwt = new auth.JWT({ email, key: privateKey, ...(keyId === null ? {} : { keyId }), scopes: [SCOPE] });
  // Signed here and sent as it is: no second server has to be reached for a token.
  jwt.useJWTAccessWithScope = true;
  const { spreadsheets } = sheets({ version: 'v4', auth: jwt, ...(url === null ? {} : { rootUrl: url }) });

  async function call<T>(
    kind: 'read' | 'write',
    signal: AbortSignal,
    ask: (options: CallOptions) => Promise<{ data: T }>,
  ): Promise<T> {
    const isWrite = kind === 'write';
    if (!(await (isWrite ? writes : reads).take(signal))) throw new SheetsError(STOPPING);
    try {
      // A call that has begun is seen through, also while stopping: its answer is worth having.
      return (await ask({ retry: false, timeout: timeoutMs })).data;
    } catch (error) {
      const failure = failureOf(error, { email, spreadsheetId, isWrite });
      forget(failure);
      throw new SheetsError(failure, { cause: error });
    }
  }

  return {
    spreadsheetId,
    email,
    get: async (fields, signal) =>
      await call('read', signal, async (own) => await spreadsheets.get({ spreadsheetId, fields }, own)),
    grid: async (filters, fields, signal) => {
      const requestBody = { dataFilters: [...filters], includeGridData: true };
      return await call(
        'read',
        signal,
        async (own) => await spreadsheets.getByDataFilter({ spreadsheetId, fields, requestBody }, own),
      );
    },
    metadata: async (filters, signal) => {
      const requestBody = { dataFilters: [...filters] };
      const { matchedDeveloperMetadata = [] } = await call(
        'read',
        signal,
        async (own) => await spreadsheets.developerMetadata.search({ spreadsheetId, requestBody }, own),
      );
      return matchedDeveloperMetadata.flatMap(({ developerMetadata }) => developerMetadata ?? []);
    },
    values: async (filters, signal) => {
      const requestBody = { dataFilters: [...filters], majorDimension: 'ROWS', valueRenderOption: 'UNFORMATTED_VALUE' };
      const { valueRanges = [] } = await call(
        'read',
        signal,
        async (own) => await spreadsheets.values.batchGetByDataFilter({ spreadsheetId, requestBody }, own),
      );
      return valueRanges;
    },
    write: async (requests, show, signal) => {
      const shown = { includeSpreadsheetInResponse: true, responseRanges: [...show], responseIncludeGridData: true };
      const requestBody = { requests: [...requests], ...(show.length === 0 ? {} : shown) };
      const fields = show.length === 0 ? 'spreadsheetId' : SHOWN_FIELDS;
      const { updatedSpreadsheet } = await call(
        'write',
        signal,
        async (own) => await spreadsheets.batchUpdate({ spreadsheetId, fields, requestBody }, own),
      );
      return updatedSpreadsheet ?? null;
    },
  };
}

type CallOptions = { readonly retry: false; readonly timeout: number };

const STOPPING: SheetsFailure = { code: 'sheet_unavailable', message: 'stopping', help: '', sent: 'no' };

/** Rejects with a SheetsError that says what is wrong with the file; never with its content. */
async function readKey(file: string): Promise<ServiceKey> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw keyError(`The key file ${file} cannot be read (${messageOf(error)}).`, error);
  });
  const key = parseKey(content);
  if (key === null)
    throw keyError(`${file} is no key file of a service account: it lacks "client_email" or "private_key".`, null);
  try {
    createPrivateKey(key.privateKey);
  } catch (error) {
    throw keyError(`The private key in ${file} is damaged.`, error);
  }
  return key;
}

function parseKey(content: string): ServiceKey | null {
  try {
    const { client_email: email, private_key: privateKey, private_key_id: keyId } = JSON.parse(content) ?? {};
    if (typeof email !== 'string' || typeof privateKey !== 'string') return null;
    return { email, privateKey, keyId: typeof keyId === 'string' ? keyId : null };
  } catch {
    return null;
  }
}

function keyError(message: string, cause: unknown): SheetsError {
  const help =
    'Set GOOGLE_APPLICATION_CREDENTIALS to the JSON key: Google Cloud console → IAM & Admin → Service Accounts → Keys → Add key → JSON.';
  return new SheetsError({ code: 'sheet_key_invalid', message, help, sent: 'no' }, { cause });
}
