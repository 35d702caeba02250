import { randomBytes } from 'node:crypto';
import { readConfig } from '../../src/config';
import { createLog } from '../../src/log';
import { serve } from '../../src/serve';
import type { Db } from '../../src/store/db';
import { freshDatabase } from './postgres';

/** An answer as it came over the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it was sent. */
  readonly text: string;
  /** The body read as JSON; undefined where it is none. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** An API of a test, with a database of its own. */
export interface TestApi {
  readonly url: string;
  readonly rootKey: string;
  readonly db: Db;
  readonly databaseUrl: string;
  /**
   * Makes a call. `body`: sent as JSON; a string or bytes are sent as they are. Without `authorization` among the headers the
   * root key is used; `null` as a header's value leaves that header out.
   */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string | null>>): Promise<Reply>;
  /** A workspace, and a key of it with this role. */
  tenant(role?: 'admin' | 'write' | 'read' | 'publish'): Promise<{ readonly workspaceId: string; readonly key: string; readonly headers: Record<string, string> }>;
  close(): Promise<void>;
}

/** Starts an API that throws at every answer that its route does not declare. `overrides` are settings. */
export async function startApi(overrides: Readonly<Record<string, string>> = {}): Promise<TestApi> {
  const database = await freshDatabase();
  const rootKey = `phk_${randomBytes(32).toString('base64url')}`;
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_POOL: '10',
    POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    POSTHORN_ROOT_KEY: rootKey,
    DELIVERY_ALLOWED_NETWORKS: '127.0.0.0/8,::1',
    ...overrides,
  });
  const api = await serve(config, { onUndeclaredAnswer: 'throw', log: createLog(process.env['TEST_LOG_LEVEL'] ?? 'silent') });

  const call: TestApi['call'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const all = { authorization: `Bearer ${rootKey}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as Record<string, string>;
    const response = await fetch(`${api.url}${path}`, {
      method, headers: sent, ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: readJson(text) };
  };

  return {
    url: api.url, rootKey, db: database.db, databaseUrl: database.url, call,
    async tenant(role = 'admin') {
      const workspace = await call('POST', '/v1/workspaces', { name: `w-${randomBytes(6).toString('hex')}` });
      const made = await call('POST', '/v1/api-keys', { name: 'test', role }, { 'posthorn-workspace': workspace.body.id });
      return { workspaceId: workspace.body.id, key: made.body.key, headers: { authorization: `Bearer ${made.body.key}` } };
    },
    async close() {
      await api.close();
      await database.drop();
    },
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
