import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { VARIABLES } from '../../../src/config/variables.ts';
import { AppError } from '../../../src/model/errors.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_environment') return error.details.map(({ path }) => path);
    throw error;
  }
  return [];
};

describe('loadConfig', () => {
  it('is the demo with no service variable, whatever else is set', () => {
    expect(loadConfig({ PORT: '5000', DECLINEWATCH_DATA: '/tmp/x' })).toMatchObject({
      demo: true,
      port: 5000,
      adminPort: 4243,
      kafka: null,
      slack: null,
      google: null,
    });
    expect(loadConfig({ STRIPE_WEBHOOK_SECRET: '' }).demo).toBe(true);
    for (const name of ['STRIPE_WEBHOOK_SECRET', 'STRIPE_API_KEY'])
      expect(loadConfig({ [name]: 'x' }).demo).toBe(false);
  });

  it('takes several webhook secrets', () => {
    expect(loadConfig({ STRIPE_WEBHOOK_SECRET: 'whsec_a, whsec_b,' }).stripe.webhookSecrets).toEqual([
      'whsec_a',
      'whsec_b',
    ]);
  });

  it('names the other of KAFKA_BROKERS and REDIS_URL', () => {
    expect(problemsOf({ KAFKA_BROKERS: '127.0.0.1:9092' })).toEqual(['REDIS_URL']);
    expect(problemsOf({ REDIS_URL: 'redis://127.0.0.1' })).toEqual(['KAFKA_BROKERS']);
    expect(problemsOf({ KAFKA_BROKERS: '127.0.0.1:9092', REDIS_URL: 'redis://127.0.0.1' })).toEqual([]);
  });

  it('tells every problem at once', () => {
    const wrong = {
      PORT: 'http',
      ADMIN_PORT: '70000',
      LOG_LEVEL: 'loud',
      SLACK_API_URL: 'http://h/slack',
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_HANDOVER: '08:00,25:00',
    };
    expect(problemsOf(wrong)).toEqual([
      'SLACK_API_URL',
      'SLACK_CHANNEL',
      'SLACK_APP_TOKEN',
      'SLACK_HANDOVER',
      'PORT',
      'ADMIN_PORT',
      'LOG_LEVEL',
    ]);
  });

  it('refuses an unknown variable of its own by name', () => {
    expect(problemsOf({ DECLINEWATCH_DETECTOR: 'x.yaml' })).toEqual(['DECLINEWATCH_DETECTOR']);
  });

  it('reads NAME_FILE, and says when it cannot', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'declinewatch-')), 'secret');
    writeFileSync(file, 'whsec_from_file\n');
    expect(loadConfig({ STRIPE_WEBHOOK_SECRET_FILE: file }).stripe.webhookSecrets).toEqual(['whsec_from_file']);
    expect(problemsOf({ STRIPE_WEBHOOK_SECRET_FILE: `${file}.none` })).toEqual(['STRIPE_WEBHOOK_SECRET_FILE']);
    expect(problemsOf({ STRIPE_WEBHOOK_SECRET: 'a', STRIPE_WEBHOOK_SECRET_FILE: file })).toEqual([
      'STRIPE_WEBHOOK_SECRET',
    ]);
  });

  it('never shows a secret in a problem', () => {
    try {
      loadConfig({ REDIS_URL: 'http://user:hunter2@127.0.0.1', DECLINEWATCH_TOKENS: 'nameless-token-hunter2' });
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify([(error as AppError).message, (error as AppError).details])).not.toContain('hunter2');
    }
  });
});

describe('.env.example', () => {
  it('lists every variable', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../.env.example'), 'utf8');
    const listed = [...text.matchAll(/^# ?([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(listed).toEqual(VARIABLES.map(({ name }) => name));
  });
});
