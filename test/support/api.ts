import { randomBytes } from 'node:crypto';
import { readConfig } from '../../src/config';
import { createLog } from '../../src/log';
import { serve } from '../../src/serve';
import type { Db } from '../../src/store/db';
import { type Call, createCall } from './call';
import { freshDatabase } from './postgres';

export type { Reply } from './call';

/** A workspace, and a key of it; `headers` are what `call` needs to use it. */
export interface Tenant {
  readonly workspaceId: string;
  readonly key: string;
  readonly headers: Record<string, string>;
}

/** An API of a test, with a database of its own. */
export interface TestApi {
  readonly url: string;
  readonly rootKey: string;
  readonly db: Db;
  readonly databaseUrl: string;
  readonly call: Call;
  /** A workspace, and a key of it with this role. */
  tenant(role?: 'admin' | 'write' | 'read' | 'publish'): Promise<Tenant>;
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

  const call = createCall(() => api.url, rootKey);
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
