// Every environment variable the program knows, with what it is for. The only list: `.env.example`, the reference page
// and the check for unknown names are held against it.

export type Variable = {
  readonly name: string;
  readonly group: 'Stripe' | 'Kafka' | 'Redis' | 'Slack' | 'Google' | 'declinewatch';
  readonly about: string;
  readonly example: string;
  readonly secret?: boolean;
};

const variable = (group: Variable['group'], name: string, example: string, about: string): Variable => ({
  name,
  group,
  about,
  example,
});
const secret = (group: Variable['group'], name: string, example: string, about: string): Variable => ({
  ...variable(group, name, example, about),
  secret: true,
});

export const VARIABLES: readonly Variable[] = [
  secret(
    'Stripe',
    'STRIPE_WEBHOOK_SECRET',
    'whsec_…',
    'Signing secret of the webhook endpoint; several, comma-separated.',
  ),
  secret('Stripe', 'STRIPE_API_KEY', 'rk_live_…', 'Restricted, read-only key: backfill, reconciliation, enrichment.'),
  variable(
    'Stripe',
    'STRIPE_API_URL',
    'http://127.0.0.1:12111',
    'Another server in place of Stripe, for tests and proxies.',
  ),
  variable('Kafka', 'KAFKA_BROKERS', '127.0.0.1:9092', 'Comma-separated; set together with REDIS_URL.'),
  variable('Kafka', 'KAFKA_TLS', 'true', 'Speak TLS to the brokers.'),
  variable('Kafka', 'KAFKA_TLS_CA', '-----BEGIN CERTIFICATE-----…', 'Certificate of an own authority, PEM.'),
  variable('Kafka', 'KAFKA_SASL_MECHANISM', 'scram-sha-512', 'plain, scram-sha-256 or scram-sha-512.'),
  variable('Kafka', 'KAFKA_SASL_USERNAME', 'declinewatch', 'User of the SASL log-in.'),
  secret('Kafka', 'KAFKA_SASL_PASSWORD', '…', 'Password of the SASL log-in.'),
  variable('Kafka', 'TOPIC_PREFIX', 'declinewatch.', 'Put before every topic name and Redis key.'),
  secret(
    'Redis',
    'REDIS_URL',
    'redis://127.0.0.1:6379/0',
    'Where the windows are kept; set together with KAFKA_BROKERS.',
  ),
  variable(
    'Redis',
    'REDIS_TLS_CA',
    '-----BEGIN CERTIFICATE-----…',
    'Certificate of an own authority, PEM, for rediss://.',
  ),
  secret('Slack', 'SLACK_BOT_TOKEN', 'xoxb-…', 'Bot token of the Slack app.'),
  secret('Slack', 'SLACK_APP_TOKEN', 'xapp-…', 'App-level token: clicks come by Socket Mode.'),
  secret('Slack', 'SLACK_SIGNING_SECRET', '…', 'Signing secret: clicks come by HTTP to /slack/events.'),
  variable('Slack', 'SLACK_CHANNEL', 'C0123456789', 'Channel id for alerts.'),
  variable('Slack', 'SLACK_TEST_CHANNEL', 'C0123456780', 'Channel id for alerts of test mode; unset: SLACK_CHANNEL.'),
  variable(
    'Slack',
    'SLACK_RESPONDERS',
    'U0123,S0456',
    'Who may press: ids of users, groups, channels; unset: who is in SLACK_CHANNEL.',
  ),
  variable('Slack', 'SLACK_HANDOVER', '08:00,20:00', 'When the handover card is posted, UTC; unset: on request.'),
  variable('Slack', 'SLACK_API_URL', 'http://127.0.0.1:4003/api/', 'Another server in place of Slack; ends in /api/.'),
  variable('Google', 'GOOGLE_SHEET_ID', '1AbC…', 'Id of the sheet, from its address.'),
  variable(
    'Google',
    'GOOGLE_APPLICATION_CREDENTIALS',
    '/etc/declinewatch/google.json',
    'Key file of the service account.',
  ),
  variable('Google', 'GOOGLE_SHEETS_URL', 'http://127.0.0.1:4009/', 'Another server in place of Google; ends in /.'),
  variable('declinewatch', 'DECLINEWATCH_DATA', './data', 'Folder of the embedded files.'),
  variable('declinewatch', 'DECLINEWATCH_DETECTORS', './detectors.yaml', 'The detectors file.'),
  secret(
    'declinewatch',
    'DECLINEWATCH_TOKENS',
    'ana:…,bo:…',
    'name:token for the console and the API; needed off loopback.',
  ),
  secret(
    'declinewatch',
    'DECLINEWATCH_PII_KEY',
    '64 hex digits',
    'Key of the masks of e-mails and addresses; the same in all replicas.',
  ),
  variable(
    'declinewatch',
    'DECLINEWATCH_URL',
    'http://127.0.0.1:4243',
    'Where the console is, for links and for the CLI.',
  ),
  variable('declinewatch', 'HOST', '127.0.0.1', 'Address the webhook port listens on.'),
  variable('declinewatch', 'PORT', '4242', 'Port for Stripe and Slack.'),
  variable('declinewatch', 'ADMIN_HOST', '127.0.0.1', 'Address the console listens on.'),
  variable('declinewatch', 'ADMIN_PORT', '4243', 'Port of the console and the API.'),
  variable('declinewatch', 'LOG_LEVEL', 'info', 'trace, debug, info, warn, error, fatal or silent.'),
];

/** Prefixes of the services: with no such variable set, `start` runs the demo. */
export const SERVICE_PREFIXES = ['STRIPE_', 'KAFKA_', 'REDIS_', 'SLACK_', 'GOOGLE_'] as const;
