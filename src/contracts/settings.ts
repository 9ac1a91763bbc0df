import { z } from 'zod';
import { TASK_QUEUE } from './names';

const port = z.coerce.number().int().min(1).max(65_535);

/** Where a collector listens. A password in it would stand in every process list that shows the environment. */
const collectorUrl = z
  .string()
  .refine(isCollectorUrl, 'has to be http(s)://HOST:PORT/PATH, without a password');

/** Our settings, each described for `doctor`. Temporal's own `TEMPORAL_*` are read by its envconfig. */
const settingsSchema = z.object({
  COUNTERSIGN_AS: z
    .string()
    .min(1)
    .exactOptional()
    .describe('who signs and asks if no --as is given, for example person/mira'),
  COUNTERSIGN_KEY: z.string().min(1).exactOptional().describe('file of the private key of COUNTERSIGN_AS'),
  COUNTERSIGN_GATEWAY: z
    .string()
    .min(1)
    .exactOptional()
    .describe('address of the gateway if no --gateway is given'),
  COUNTERSIGN_STATE_DIR: z
    .string()
    .min(1)
    .default('.countersign')
    .describe('where up and demo keep their data'),
  COUNTERSIGN_BUNDLE: z
    .string()
    .min(1)
    .default('policies')
    .describe('folder of the policy bundle, or a packed one as FILE?keys=KEYS'),
  COUNTERSIGN_TICKETS: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file of the tickets that a reroute may name, or with the address of the ticket system'),
  COUNTERSIGN_GATEWAY_KEY: z
    .string()
    .min(1)
    .exactOptional()
    .describe('private key of the gateway, whose public part the directory knows'),
  COUNTERSIGN_GATEWAY_DECISION_KEY: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'private key that the gateway signs sessions and decisions with; gateways behind one address share it',
    ),
  COUNTERSIGN_TASK_QUEUE: z
    .string()
    .min(1)
    .max(200)
    .default(TASK_QUEUE)
    .describe('task queue of the workers'),
  COUNTERSIGN_TEMPORAL_CLI: z.string().min(1).exactOptional().describe('Temporal CLI for up and the tests'),
  COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(15)
    .describe('pause between two looks of the reconciler at a target'),
  COUNTERSIGN_MAX_CACHED_WORKFLOWS: z.coerce
    .number()
    .int()
    .min(10)
    .max(100_000)
    .default(5_000)
    .describe('waiting requests that a worker keeps in memory'),
  COUNTERSIGN_CODEC_KEYS: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file of the keys that encrypt what the Temporal server stores; in clear without it'),
  COUNTERSIGN_CODEC_READERS: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file of those who may read clear text in the Temporal UI'),
  COUNTERSIGN_ARCHIVE: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'where evidence is archived: a folder, s3://BUCKET/PREFIX?endpoint=URL&region=R, or postgres://…',
    ),
  COUNTERSIGN_ARCHIVE_FILE: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file that holds what COUNTERSIGN_ARCHIVE would, where it has a password in it'),
  COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(30)
    .describe('pause between two looks for requests to archive'),
  COUNTERSIGN_LOG_DIR: z
    .string()
    .min(1)
    .exactOptional()
    .describe('folder of the transparency log in which every archived record is a leaf'),
  COUNTERSIGN_LOG_KEY_FILE: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file of the key that signs the log (countersign audit log key)'),
  COUNTERSIGN_WEBHOOK_TOKEN: z
    .string()
    .min(1)
    .exactOptional()
    .describe('bearer token with which audit events goes to a webhook'),
  COUNTERSIGN_METRICS_PORT: port
    .exactOptional()
    .describe('port on which worker and gateway serve metrics for Prometheus; none without it'),
  COUNTERSIGN_METRICS_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address on which metrics are served; they need no credentials there'),
  COUNTERSIGN_HEALTH_PORT: port
    .exactOptional()
    .describe('port on which the worker answers /livez and /readyz; none without it'),
  COUNTERSIGN_HEALTH_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address on which the worker answers /livez and /readyz; they say nothing but that'),
  COUNTERSIGN_TEMPORAL_METRICS_PORT: port
    .exactOptional()
    .describe("port on which the worker serves the Temporal SDK's own metrics; none without it"),
  COUNTERSIGN_TRACES_URL: collectorUrl
    .exactOptional()
    .describe('where traces are sent, as OTLP over HTTP (http://HOST:4318/v1/traces); nowhere without it'),
  COUNTERSIGN_TRACES_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('share of traces that are sent'),
  COUNTERSIGN_NOTIFY: z
    .string()
    .min(1)
    .exactOptional()
    .describe('file with the addresses for notifications; without it, no notifications are sent'),
  COUNTERSIGN_NOTIFY_INTERVAL_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(15)
    .describe('pause between two looks for something to tell'),
  COUNTERSIGN_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('how much a worker logs'),
});
export type Settings = z.output<typeof settingsSchema>;
export type Environment = Readonly<Record<string, string | undefined>>;

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

function isCollectorUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** Settings named after connectors, which only the catalog knows: whoever makes the connectors checks them. And the addresses of ledger and register. */
const CONNECTOR_SETTING =
  /^COUNTERSIGN_(?:CONNECTOR_[A-Z0-9_]+|(?:TARGET_[A-Z0-9_]+|LEASES|LEDGER|REGISTER)_URL(?:_FILE)?)$/;

/** Checks the environment once, at start. A misspelt setting is a problem, not a default. No message holds a value. */
export function readSettings(env: Environment): SettingsResult {
  const known = settingsSchema.shape;
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('COUNTERSIGN_') && !(name in known) && !CONNECTOR_SETTING.test(name))
    .map((name) => `${name} is not a setting of countersign (countersign doctor lists them)`);
  const parsed = settingsSchema.safeParse(env);
  if (parsed.success && problems.length === 0) return { ok: true, settings: parsed.data };
  for (const issue of parsed.error?.issues ?? []) problems.push(`${issue.path.join('.')}: ${issue.message}`);
  return { ok: false, problems };
}

/** Every setting with what it is for. */
export function describeSettings(): readonly { readonly name: string; readonly purpose: string }[] {
  const described = Object.entries(settingsSchema.shape).map(([name, schema]) => ({
    name,
    purpose: schema.description ?? '',
  }));
  const connectors = 'address of a connector, in the variable itself or in the file it names';
  return [
    ...described,
    { name: 'COUNTERSIGN_CONNECTOR_<NAME>_URL[_FILE]', purpose: connectors },
    {
      name: 'COUNTERSIGN_TARGET_<NAME>_URL[_FILE]',
      purpose:
        'where a command under `run` finds the target of a connector, as the account that was given access',
    },
    {
      name: 'COUNTERSIGN_LEDGER_URL[_FILE]',
      purpose: 'PostgreSQL of the ledger; without it, that of the only such connector',
    },
    {
      name: 'COUNTERSIGN_LEASES_URL[_FILE]',
      purpose:
        'PostgreSQL of the lease book, for targets that cannot hold leases; without it, that of the ledger',
    },
    {
      name: 'COUNTERSIGN_REGISTER_URL[_FILE]',
      purpose: 'PostgreSQL of the register of enrolled passkeys; without it, that of the ledger',
    },
  ];
}
