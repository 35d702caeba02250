/** What PostgreSQL did: by statement where it has `pg_stat_statements`, else by table. */
import { columns } from './table.mjs';

const MOST = 15;
const LONGEST = 110;

/** An embedded PostgreSQL counts statements only where it was started with this. */
export const STATEMENT_SETTINGS = { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_planning': 'on' };

/** Counts from now on, as far as the server can. */
export async function resetStatements(db) {
  await db.query('create extension if not exists pg_stat_statements').then(() => db.query('select pg_stat_statements_reset()')).catch(() => undefined);
  await db.query('select pg_stat_reset()').catch(() => undefined);
}

/** What took most since then, as text. */
export const statementSummary = (db) => byStatement(db).catch(() => byTable(db));

async function byStatement(db) {
  const { rows } = await db.query(`select calls, rows, total_exec_time + total_plan_time as ms, total_plan_time as plan_ms, shared_blks_read as read, wal_bytes::float8 as wal,
      regexp_replace(query, '\\s+', ' ', 'g') as query, sum(total_exec_time + total_plan_time) over () as all_ms
    from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) order by ms desc limit $1`, [MOST]);
  return [
    `PostgreSQL: ${((rows[0]?.all_ms ?? 0) / 1_000).toFixed(1)} s in statements (time that passed in them, waits for the disk and for locks included)`,
    columns(['share', 'ms', 'of it planned', 'calls', 'ms each', 'rows each', 'WAL bytes each', 'statement'], rows.map((row) => [
      `${((row.ms / row.all_ms) * 100).toFixed(1)} %`, row.ms.toFixed(0), row.plan_ms.toFixed(0), String(row.calls), (row.ms / row.calls).toFixed(2), (row.rows / row.calls).toFixed(1),
      (row.wal / row.calls).toFixed(0), row.query.slice(0, LONGEST),
    ])),
  ].join('\n');
}

/** Partitions count as the table that they are of. */
async function byTable(db) {
  const { rows } = await db.query(`select regexp_replace(relname, '_\\d{8}$', '') as name, sum(n_tup_ins)::int as ins, sum(n_tup_upd)::int as upd, sum(n_tup_hot_upd)::int as hot,
      sum(n_tup_del)::int as del, sum(seq_scan)::int as seq, sum(seq_tup_read)::int as seq_rows, sum(idx_scan)::int as idx
    from pg_stat_user_tables group by 1 order by sum(n_tup_ins + n_tup_upd + n_tup_del) desc limit $1`, [MOST]);
  return [
    'PostgreSQL, by table (there is no pg_stat_statements)',
    columns(['inserted', 'updated', 'of it HOT', 'deleted', 'full scans', 'rows read by them', 'index scans', 'table'],
      rows.map(({ ins, upd, hot, del, seq, seq_rows: seqRows, idx, name }) => [ins, upd, hot, del, seq, seqRows ?? 0, idx ?? 0, name].map(String))),
  ].join('\n');
}
