import { z } from 'zod';
import { createAddressPolicy } from './wire/address';

const port = z.coerce.number().int().min(0).max(65535);
const positive = z.coerce.number().int().min(1);
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()).filter(Boolean));
const onOff = z.enum(['on', 'off']).transform((text) => text === 'on');
const pairs = list.pipe(z.array(z.string().regex(/^[A-Za-z0-9_-]+=./, 'must be name=value,…'))).transform((parts, context) =>
  Object.fromEntries(parts.map((part) => {
    const name = part.slice(0, part.indexOf('='));
    const value = decoded(part.slice(name.length + 1));
    if (value === null) context.addIssue({ code: 'custom', message: `the value of ${name}: must be percent-encoded visible ASCII characters (a % itself is %25)` });
    return [name, value ?? ''] as const;
  })));
const networks = list.superRefine((ranges, context) => {
  try {
    createAddressPolicy(ranges);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
  }
});
/** What can be sent as `Authorization: Bearer ...`. */
const bearer = z.string().regex(/^[\x21-\x7e]{16,512}$/, 'must be 16 to 512 visible ASCII characters, without spaces');
const keyRing = list.pipe(
  z.array(
    z.string().regex(/^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=$/, 'each key is id:base64 of 32 bytes, such as k1:… (make one with: openssl rand -base64 32)'),
  ).min(1),
);

/** Every setting. Its `describe` is the line in the README's table; a test compares the two. */
export const Settings = z.object({
  PORT: port.default(3000).describe('port of the API'),
  HOST: z.string().default('127.0.0.1').describe('address that the API listens on'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional().describe('PostgreSQL; unset: an embedded one under `POSTHORN_DATA_DIR`'),
  DATABASE_POOL: positive.max(500).default(10).describe('connections a process opens to PostgreSQL at most'),
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s/]+:\d+$/, 'must be host:port').optional().describe('Temporal; unset: a local dev server under `POSTHORN_DATA_DIR`'),
  TEMPORAL_NAMESPACE: z.string().default('default').describe('Temporal namespace'),
  TEMPORAL_API_KEY: z.string().optional().describe('API key of Temporal Cloud'),
  TEMPORAL_TLS_CA: z.string().optional().describe('path of the CA certificate of Temporal'),
  TEMPORAL_TLS_CERT: z.string().optional().describe('path of the client certificate for Temporal'),
  TEMPORAL_TLS_KEY: z.string().optional().describe("path of the client certificate's key"),
  TEMPORAL_CLI: z.string().optional().describe('path of a `temporal` binary for the local dev server; unset: found, else installed'),
  TEMPORAL_UI_URL: z.url().optional().describe("base of the links into Temporal's web UI; unset: the local one"),
  POSTHORN_DATA_DIR: z.string().default('.posthorn').describe('folder of the embedded PostgreSQL, the local Temporal and the generated keys'),
  POSTHORN_ROOT_KEY: bearer.optional().describe('root API key; unset: one is generated and printed once, at the first start'),
  POSTHORN_ENCRYPTION_KEYS: keyRing.optional().describe('`id:base64,…`, 32 bytes each: the first encrypts, all decrypt; needed with `DATABASE_URL`, else generated'),
  DELIVERY_ALLOWED_NETWORKS: networks.optional().describe('private ranges that endpoints may use, such as `10.1.0.0/16,::1/128`; unset: loopback where `DATABASE_URL` is unset, else none'),
  WORKFLOW_STARTS_PER_SECOND: positive.max(10_000).default(20).describe("a worker; up to this rate each event has a workflow of its own, and apart from them each delivery that needs a retry; above it events share, in fewer and fuller ones, and retries are made by their endpoints' watchers"),
  EVENTS_PER_WORKFLOW: positive.max(200).default(200).describe('most events that share a workflow above that rate; 1: strictly one each'),
  HEAD_START: onOff.default(true).describe('`on`: first attempts leave beside the start of their workflow; `off`: after it'),
  PUBLIC_URL: z.url().optional().describe('base of links to this service; unset: the listening address'),
  API_RATE_PER_SECOND: positive.optional().describe('requests a second that one API key may make; unset: no limit'),
  RETENTION_DAYS: positive.max(3650).default(30).describe('how long events, deliveries and attempts are kept'),
  METRICS_PORT: port.optional().describe('port on which the API tells its metrics without a key; unset: only as `GET /metrics` of the API, with the root key'),
  WORKER_METRICS_PORT: port.optional().describe('port on which a worker tells its metrics without a key; unset: none, and 9464 under `npm start`'),
  METRICS_HOST: z.string().default('127.0.0.1').describe('address that the ports of metrics listen on'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional().describe('base address of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; unset: no traces'),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional().describe('headers for the collector, `name=value,…`'),
  OTEL_SERVICE_NAME: z.string().default('posthorn').describe('name of the service in traces'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('share of traces that is kept, 0 to 1, where the caller has not decided'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('least level that is logged'),
});

/** The settings as read, all checked. */
export type Config = Readonly<z.infer<typeof Settings>>;

/** Private ranges that endpoints may use: those that are set, else loopback where PostgreSQL is the embedded one. */
export const allowedNetworksOf = (config: Pick<Config, 'DELIVERY_ALLOWED_NETWORKS' | 'DATABASE_URL'>): readonly string[] =>
  config.DELIVERY_ALLOWED_NETWORKS ?? (config.DATABASE_URL === undefined ? ['127.0.0.0/8', '::1'] : []);

/** Names of the settings whose values are never printed. */
export const SECRET_SETTINGS: ReadonlySet<string> = new Set([
  'DATABASE_URL', 'TEMPORAL_API_KEY', 'POSTHORN_ROOT_KEY', 'POSTHORN_ENCRYPTION_KEYS', 'OTEL_EXPORTER_OTLP_HEADERS',
]);

/** All mistakes of the environment at once, one line each; secret values are left out. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly mistakes: readonly string[]) {
    super(`The settings can not be used:\n${mistakes.map((line) => `  ${line}`).join('\n')}`);
  }
}

/**
 * Reads the settings. An empty value counts as unset. The only reader of the environment.
 * @throws ConfigError naming every setting that is wrong, what was seen and what is allowed.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.keys(Settings.shape).map((name) => [name, env[name]?.trim() || undefined]));
  const parsed = Settings.safeParse(given);
  const mistakes = parsed.success ? [] : parsed.error.issues.map((issue) => mistake(issue, given));
  if (parsed.success && parsed.data.DATABASE_URL && !parsed.data.POSTHORN_ENCRYPTION_KEYS) {
    mistakes.push('POSTHORN_ENCRYPTION_KEYS: is needed with DATABASE_URL; set it to k1:$(openssl rand -base64 32) and keep it safe');
  }
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return Object.freeze(parsed.data);
}

/** What a percent-encoded text says, as a header can hold it; null where it is none. */
function decoded(text: string): string | null {
  try {
    const value = decodeURIComponent(text);
    return /^[\x20-\x7e]*$/.test(value) ? value : null;
  } catch {
    return null;
  }
}

function mistake(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string {
  const name = String(issue.path[0]);
  const seen = SECRET_SETTINGS.has(name) ? '[hidden]' : JSON.stringify(given[name]);
  return `${name}: ${issue.message} (seen: ${seen})`;
}
