import type { KeyRing } from '../seal';
import type { Sql } from './db';
import { secretPlace } from './sealed-places';

/** Stores an endpoint's current secret, sealed. There must be none, or `retireSecret` comes first. */
export async function insertSecret(sql: Sql, keyRing: KeyRing, id: string, endpointId: string, secret: string): Promise<void> {
  await sql.query({
    text: 'insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)',
    values: [id, endpointId, keyRing.seal(secret, secretPlace(id))],
  });
}

/** An endpoint's current secret in the clear; null where none is set. */
export async function readCurrentSecret(sql: Sql, keyRing: KeyRing, endpointId: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string; sealed: string }>({
    text: 'select id, sealed from endpoint_secrets where endpoint_id = $1 and expires_at is null', values: [endpointId],
  });
  return row ? keyRing.open(row.sealed, secretPlace(row.id)) : null;
}

/**
 * Lets the current secret sign for `graceSeconds` more, or removes it where that is 0; removes those whose time is over.
 * Answers how many old ones sign from now on. The endpoint's row must be locked.
 */
export async function retireSecret(sql: Sql, endpointId: string, graceSeconds: number): Promise<number> {
  await sql.query({
    text: `delete from endpoint_secrets where endpoint_id = $1 and (expires_at <= now() or (expires_at is null and $2::int = 0))`,
    values: [endpointId, graceSeconds],
  });
  await sql.query({
    text: 'update endpoint_secrets set expires_at = now() + make_interval(secs => $2) where endpoint_id = $1 and expires_at is null',
    values: [endpointId, graceSeconds],
  });
  const [row] = await sql.query<{ count: number }>({
    text: 'select count(*) as count from endpoint_secrets where endpoint_id = $1', values: [endpointId],
  });
  return row?.count ?? 0;
}
