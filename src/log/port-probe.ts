// Whether something answers at host:port, and over TLS whether its certificate is good: each failure told apart.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export type Probe = {
  readonly address: string;
  /** null: it answers. */
  readonly problem: {
    readonly kind: 'no_host' | 'refused' | 'no_answer' | 'untrusted' | 'wrong_name' | 'expired' | 'no_tls' | 'failed';
    readonly message: string;
    readonly cure?: string;
  } | null;
  /** `answers in 3 ms`, and until when the certificate is good. */
  readonly found: string;
};

const ANSWER_MS = 5_000;

/** `ca`: PEM of the authority to trust, null: the system's. Plain if `tls` is null. Never rejects. */
export async function probePort(address: string, tls: { readonly ca: string | null } | null): Promise<Probe> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const began = performance.now();
  let socket: Socket | TLSSocket | null = null;
  try {
    socket = await opened(host, Number(port), tls);
    const answered = `answers in ${Math.round(performance.now() - began)} ms`;
    return { address, problem: null, found: tls === null ? answered : `${answered}, ${certificateOf(socket)}` };
  } catch (error) {
    return { address, problem: problemOf(error as NodeJS.ErrnoException), found: '' };
  } finally {
    socket?.destroy();
  }
}

async function opened(host: string, port: number, tls: { readonly ca: string | null } | null): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$|:/.test(host);
    const socket =
      tls === null
        ? connectPlain({ host, port })
        : connectTls({
            host,
            port,
            ...(isName ? { servername: host } : {}),
            ...(tls.ca === null ? {} : { ca: [tls.ca] }),
          });
    const timer = setTimeout(() => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), ANSWER_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.on('error', fail);
    socket.once('close', () => fail(Object.assign(new Error('it hung up'), { code: 'ECONNRESET' })));
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

function certificateOf(socket: Socket): string {
  const { valid_to: until } = (socket as TLSSocket).getPeerCertificate();
  return until === undefined ? 'TLS' : `certificate good until ${new Date(until).toISOString().slice(0, 10)}`;
}

function problemOf({ code = '', message }: NodeJS.ErrnoException): NonNullable<Probe['problem']> {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { kind: 'no_host', message: 'There is no such host.' };
    case 'ECONNREFUSED':
      return { kind: 'refused', message: 'Nothing listens there.' };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { kind: 'no_answer', message: `There is no answer within ${ANSWER_MS / 1000} s.` };
    case 'CERT_HAS_EXPIRED':
      return { kind: 'expired', message: 'Its certificate has expired.' };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return { kind: 'wrong_name', message: 'Its certificate is for another host name.' };
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return { kind: 'untrusted', message: 'Its certificate is signed by an authority that is not trusted here.' };
    default:
      if (/wrong version number|packet length too long|EPROTO|ECONNRESET/i.test(`${code} ${message}`))
        return { kind: 'no_tls', message: 'It does not answer as TLS.' };
      return { kind: 'failed', message: `It cannot be reached: ${message}.` };
  }
}
