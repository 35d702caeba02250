import type { Sql } from './db';

/** The answer that an Idempotency-Key got the first time. */
export interface StoredAnswer {
  readonly fingerprint: Buffer;
  readonly status: number;
  /** JSON text, sealed where `sealed`; null for an answer without a body. */
  readonly response: string | null;
  readonly sealed: boolean;
}

/**
 * Takes the key's turn until the end of the transaction; false where another request has it. The stored answer must be
 * read in a later statement: one that began before the turn was taken would not see what the other request stored.
 */
export async function takeTurn(trx: Sql, workspaceId: string, key: string): Promise<boolean> {
  const [row] = await trx.query<{ taken: boolean }>({
    name: 'idempotency-turn',
    text: `select pg_try_advisory_xact_lock(hashtextextended('idempotency|' || $1 || '|' || $2, 0)) as taken`,
    values: [workspaceId, key],
  });
  return row?.taken === true;
}

/** The answer stored for a key in the last 24 hours; null where there is none. */
export async function findAnswer(trx: Sql, workspaceId: string, key: string): Promise<StoredAnswer | null> {
  const [row] = await trx.query<StoredAnswer>({
    name: 'idempotency-find',
    text: `select fingerprint, status, response, sealed from idempotency_keys
           where workspace_id = $1 and key = $2 and created_at > now() - interval '24 hours'`,
    values: [workspaceId, key],
  });
  return row ?? null;
}

/** Stores a key's answer, in the transaction of the change that it tells of; over one that is older than 24 hours. */
export async function storeAnswer(trx: Sql, workspaceId: string, key: string, answer: StoredAnswer): Promise<void> {
  await trx.query({
    name: 'idempotency-store',
    text: `insert into idempotency_keys (workspace_id, key, fingerprint, status, response, sealed) values ($1, $2, $3, $4, $5, $6)
           on conflict (workspace_id, key) do update set fingerprint = excluded.fingerprint, status = excluded.status,
             response = excluded.response, sealed = excluded.sealed, created_at = now()`,
    values: [workspaceId, key, answer.fingerprint, answer.status, answer.response, answer.sealed],
  });
}
