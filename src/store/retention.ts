import { effectivePolicy, type DialectName } from '../domain/dialect';
import type { Policy, PolicyOverrides } from '../domain/policy';
import type { Sql } from './db';

/** Most rows that one statement of a sweep removes. */
export const SLICE = 2_000;

/** Removes up to {@link SLICE} rows that are too old; answers how many. */
export type Sweep = (sql: Sql) => Promise<number>;

const sweep = (table: string, isOld: string, values: readonly unknown[]): Sweep => async (sql) => {
  const removed = await sql.query({
    text: `delete from ${table} where ctid = any(array(select ctid from ${table} where ${isOld} limit ${SLICE})) returning 1`, values,
  });
  return removed.length;
};

/** Forgets the answers of idempotent requests, which are good for 24 hours. */
export const sweepAnswers: Sweep = sweep('idempotency_keys', `created_at < now() - interval '24 hours'`, []);

/** Forgets the dedupe ids of what was published or received longer ago than this. */
export const sweepExternalIds = (days: number): Sweep => sweep('external_ids', 'created_at < now() - make_interval(days => $1)', [days]);

/** Removes the lines of the audit trail that are older than this. */
export const sweepAudit = (days: number): Sweep => sweep('audit', `id < id_floor('aud', now() - make_interval(days => $1))`, [days]);

/** Removes the counts of hours that are older than this. */
export const sweepStats = (days: number): Sweep => sweep('stats', 'hour < now() - make_interval(days => $1)', [days]);

/** Each policy that endpoints have, once. */
export async function policiesInUse(sql: Sql): Promise<Policy[]> {
  const rows = await sql.query<{ dialect: DialectName; policy: string }>({ text: 'select distinct dialect, policy::text as policy from endpoints' });
  return rows.map(({ dialect, policy }) => effectivePolicy(dialect, JSON.parse(policy) as PolicyOverrides));
}
