import type { Client } from 'pg';
import type { Db, Sql, Statement } from '../../src/store/db';
import { beginIn } from '../../src/store/workspace-role';

/** A database that remembers what it was asked; what is asked within a transaction too. */
export function listenIn(db: Db): { readonly db: Db; taken(): Statement[] } {
  let heard: Statement[] = [];
  const listening = (sql: Sql): Sql['query'] => (statement) => {
    heard.push(statement);
    return sql.query(statement);
  };
  return {
    db: {
      ...db,
      query: listening(db),
      transaction: (work) => db.transaction((trx) => work({ query: listening(trx) })),
      within: (workspaceId) => {
        const own = db.within(workspaceId);
        return {
          read: (work) => own.read((sql) => work({ query: listening(sql) })),
          transaction: (work) => own.transaction((trx) => work({ query: listening(trx) })),
        };
      },
    },
    taken() {
      const taken = heard;
      heard = [];
      return taken;
    },
  };
}

/**
 * Has PostgreSQL count what there is, and never again by itself: what is explained from now on is planned by the same numbers.
 */
export async function analyzeForGood(db: Sql): Promise<void> {
  await db.query({
    text: `do $$ declare one regclass; begin
             for one in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
               execute format('alter table %s set (autovacuum_enabled = off)', one);
             end loop;
           end $$`,
  });
  await db.query({ text: 'analyze' });
}

/** How a statement was run by its generic plan. */
export interface Explained {
  /** Each table of which something was read or written, by its parent's name where it is a partition, with the partitions. */
  readonly touched: ReadonlyMap<string, ReadonlySet<string>>;
  /** The tables that were read from end to end. */
  readonly scanned: ReadonlySet<string>;
  /** The indexes that were used, by the name of the parent's where it is a partition's. */
  readonly indexes: ReadonlySet<string>;
  /** Pages that were read. */
  readonly buffers: number;
  /** How many rows were read of each table, also those that were then left out, by its parent's name. */
  readonly rows: ReadonlyMap<string, number>;
  readonly text: string;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Runs a statement as production does, by a generic plan, and takes it back; for a workspace, as the API does. */
export async function explain(client: Client, { text, values = [] }: Statement, workspaceId?: string): Promise<Explained> {
  await client.query(workspaceId === undefined ? 'begin' : beginIn(workspaceId, 'read write'));
  try {
    await client.query(`prepare explained as ${text}`);
    const given = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers, format json) execute explained${given}`);
    const [explained] = JSON.parse(rows[0]?.['QUERY PLAN'] ?? '[]') as { Plan: PlanNode }[];
    if (!explained) throw new Error('PostgreSQL explained nothing');
    return summed(explained.Plan, await parentsOf(client));
  } finally {
    await client.query('rollback');
    await client.query('deallocate all');
  }
}

async function parentsOf(client: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ child: string; parent: string }>(
    'select inhrelid::regclass::text as child, inhparent::regclass::text as parent from pg_inherits',
  );
  return new Map(rows.map(({ child, parent }) => [child, parent]));
}

function summed(plan: PlanNode, parents: ReadonlyMap<string, string>): Explained {
  const touched = new Map<string, Set<string>>();
  const scanned = new Set<string>();
  const indexes = new Set<string>();
  const rows = new Map<string, number>();
  const visit = (node: PlanNode): void => {
    // A partition that was pruned while the statement ran is there, but was never begun.
    if (node['Actual Loops'] === 0) return;
    const table = node['Relation Name'];
    const index = node['Index Name'];
    if (table !== undefined) {
      const name = parents.get(table) ?? table;
      touched.set(name, (touched.get(name) ?? new Set()).add(table));
      if (node['Node Type'] === 'Seq Scan') scanned.add(name);
      const read = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
      rows.set(name, Math.round((rows.get(name) ?? 0) + read));
    }
    if (index !== undefined) indexes.add(parents.get(index) ?? index);
    node.Plans?.forEach(visit);
  };
  visit(plan);
  const buffers = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  return { touched, scanned, indexes, buffers, rows, text: outline(plan, 0) };
}

const outline = (node: PlanNode, depth: number): string => [
  `${'  '.repeat(depth)}${node['Node Type']} ${node['Relation Name'] ?? ''} ${node['Index Name'] ?? ''} rows ${node['Actual Rows']}`
    + ` removed ${node['Rows Removed by Filter'] ?? 0} loops ${node['Actual Loops']} buffers ${node['Shared Hit Blocks'] ?? 0}`,
  ...(node.Plans ?? []).map((child) => outline(child, depth + 1)),
].join('\n');

/** A value as EXECUTE takes it: a literal of no type, which takes that of its parameter. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  const text = Array.isArray(value) ? `{${value.map(element).join(',')}}` : plain(value);
  return `'${text.replaceAll("'", "''")}'`;
}

const element = (value: unknown): string =>
  value === null || value === undefined ? 'null' : `"${plain(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const plain = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));
