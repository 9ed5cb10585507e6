// One HTTP request exactly as it is given: `fetch` sets headers of its own and refuses others.
import { type IncomingHttpHeaders, request } from 'node:http';

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined: no JSON. */
  readonly json: unknown;
};

export type Asked = {
  readonly method?: string;
  readonly path: string;
  /** `host` too. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export async function ask(url: string, { method = 'GET', path, headers = {}, body }: Asked): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(
      { hostname, port, method, path, headers: { ...length, ...headers }, agent: false },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json: parsed(text) });
        });
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A write as the API takes it. */
export const JSON_TYPE = { 'content-type': 'application/json' } as const;
export const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' } as const;
