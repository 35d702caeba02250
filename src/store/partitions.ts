import type { Sql } from './db';

/** Makes the weekly partitions of this week and the eight that follow; those that are there stay. */
export async function ensurePartitions(sql: Sql): Promise<void> {
  await sql.query({ text: `select ensure_partitions(now(), now() + interval '8 weeks')` });
}
