// Speaks to the running service's API. With nothing running, an embedded installation is opened for the one command:
// it takes the lock, so a command never has a way in beside the log.
import { type Config, loadConfig } from '../config/config.ts';
import { knownCode } from '../model/error-codes.ts';
import { AppError, type ErrorDetail, messageOf } from '../model/errors.ts';

export type ApiClient = {
  /** The parsed JSON of a 2xx answer; throws AppError with the API's own code, message, help and details otherwise. */
  get(path: string): Promise<unknown>;
  post(path: string, body: object): Promise<unknown>;
  put(path: string, body: object): Promise<unknown>;
};

const TIMEOUT_MS = 30_000;

/** Runs `use` against the running service, or against one opened for this call and closed after it. */
export async function withService<T>(use: (api: ApiClient) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const running = config.url ?? `http://${loopback(config.adminHost)}:${config.adminPort}`;
  if (await answers(running)) return await use(client(running, config));
  const { startApp } = await import('../app.ts');
  const app = await startApp({ ...config, adminPort: 0, logLevel: 'error' }, { roles: ['manage'], demo: false });
  try {
    return await use(client(app.consoleUrl, config));
  } finally {
    await app.stop();
  }
}

const loopback = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host);

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function client(url: string, config: Config): ApiClient {
  const token = config.tokens[0]?.token;
  // So that the timeline says where it was asked.
  const asked = { 'x-declinewatch-client': 'cli' };
  const headers: Record<string, string> = token === undefined ? asked : { ...asked, authorization: `Bearer ${token}` };
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new AppError('service_unreachable', `${url} does not answer: ${messageOf(cause)}.`, {
        help: 'Start declinewatch, or set DECLINEWATCH_URL to where its console is.',
        cause,
      });
    });
    const parsed: unknown = await answer.json().catch(() => null);
    if (answer.ok) return parsed;
    throw apiError(answer.status, parsed);
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
  };
}

function apiError(status: number, body: unknown): AppError {
  const error = (body as { error?: { code?: string; message?: string; help?: string; details?: ErrorDetail[] } } | null)
    ?.error;
  return new AppError(
    knownCode(error?.code, 'service_error'),
    error?.message ?? `The service answered HTTP ${status}.`,
    {
      help: error?.help ?? '',
      details: error?.details ?? [],
    },
  );
}
