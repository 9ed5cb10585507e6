// Structured logs: one line an outcome, on standard error, without secrets and without personal data.
import { type Logger, pino } from 'pino';

/** Names under which a library might hand over what must not be written down. */
const NEVER = ['authorization', 'token', 'secret', 'password', 'headers', 'email', 'ip', 'url'];

export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...NEVER, ...NEVER.map((name) => `*.${name}`)], censor: '[not logged]' },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
