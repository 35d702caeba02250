import type { JsonObject } from '../domain/json';
import type { Rule } from '../domain/rule';
import type { Sql } from './db';
import type { ListBounds } from './lists';

/** A rule that is not stored yet. */
export type NewRule = Omit<Rule, 'createdAt' | 'updatedAt'>;

interface RuleRow {
  id: string; workspace_id: string; name: string; events: string[]; condition: string; endpoint_ids: string[]; enabled: boolean;
  created_at: Date; updated_at: Date;
}

const COLUMNS = 'id, workspace_id, name, events, condition, endpoint_ids, enabled, created_at, updated_at';

/** Stores a rule. */
export async function insertRule(sql: Sql, rule: NewRule): Promise<Rule> {
  const [row] = await sql.query<RuleRow>({
    text: `insert into rules (id, workspace_id, name, events, condition, endpoint_ids, enabled)
           values ($1, $2, $3, $4, $5, $6, $7) returning ${COLUMNS}`,
    values: [rule.id, rule.workspaceId, rule.name, rule.events, JSON.stringify(rule.condition), rule.endpointIds, rule.enabled],
  });
  if (!row) throw new Error('A stored rule was not told of');
  return toRule(row);
}

/** Writes all that may change of a rule. */
export async function updateRule(sql: Sql, rule: NewRule): Promise<Rule> {
  const [row] = await sql.query<RuleRow>({
    text: `update rules set name = $3, events = $4, condition = $5, endpoint_ids = $6, enabled = $7, updated_at = now()
           where workspace_id = $2 and id = $1 returning ${COLUMNS}`,
    values: [rule.id, rule.workspaceId, rule.name, rule.events, JSON.stringify(rule.condition), rule.endpointIds, rule.enabled],
  });
  if (!row) throw new Error(`The rule ${rule.id} was removed while it was locked`);
  return toRule(row);
}

/** Removes a rule; answers whether there was one. */
export async function deleteRule(sql: Sql, workspaceId: string, id: string): Promise<boolean> {
  const rows = await sql.query({ text: 'delete from rules where workspace_id = $1 and id = $2 returning id', values: [workspaceId, id] });
  return rows.length > 0;
}

/** One rule; null where the workspace has none of this id. */
export const findRule = (sql: Sql, workspaceId: string, id: string): Promise<Rule | null> => find(sql, workspaceId, id, '');

/** The same, locked until the end of the transaction. */
export const lockRule = (sql: Sql, workspaceId: string, id: string): Promise<Rule | null> => find(sql, workspaceId, id, 'for update');

async function find(sql: Sql, workspaceId: string, id: string, lock: string): Promise<Rule | null> {
  const [row] = await sql.query<RuleRow>({
    text: `select ${COLUMNS} from rules where workspace_id = $1 and id = $2 ${lock}`, values: [workspaceId, id],
  });
  return row ? toRule(row) : null;
}

/** A page of a workspace's rules, newest first. */
export async function listRules(sql: Sql, workspaceId: string, bounds: ListBounds): Promise<Rule[]> {
  const rows = await sql.query<RuleRow>({
    text: `select ${COLUMNS} from rules where workspace_id = $1 and id < $2 and id >= $3 order by id desc limit $4`,
    values: [workspaceId, bounds.below, bounds.from, bounds.limit + 1],
  });
  return rows.map(toRule);
}

/** All rules of a workspace, oldest first. */
export async function allRules(sql: Sql, workspaceId: string): Promise<Rule[]> {
  const rows = await sql.query<RuleRow>({ text: `select ${COLUMNS} from rules where workspace_id = $1 order by id`, values: [workspaceId] });
  return rows.map(toRule);
}

/** The enabled rules of a workspace that name an endpoint. */
export async function rulesNaming(sql: Sql, workspaceId: string, endpointId: string): Promise<Rule[]> {
  const rows = await sql.query<RuleRow>({
    name: 'rules-naming', text: `select ${COLUMNS} from rules where workspace_id = $1 and enabled and $2 = any(endpoint_ids) order by id`, values: [workspaceId, endpointId],
  });
  return rows.map(toRule);
}

/** How many rules a workspace has. */
export async function countRules(sql: Sql, workspaceId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>({ text: 'select count(*) as count from rules where workspace_id = $1', values: [workspaceId] });
  return row?.count ?? 0;
}

/** Takes an endpoint out of all rules that name it. */
export async function dropEndpointFromRules(sql: Sql, workspaceId: string, endpointId: string): Promise<void> {
  await sql.query({
    text: `update rules set endpoint_ids = array_remove(endpoint_ids, $2), updated_at = now()
           where workspace_id = $1 and $2 = any(endpoint_ids)`,
    values: [workspaceId, endpointId],
  });
}

const toRule = (row: RuleRow): Rule => ({
  id: row.id,
  workspaceId: row.workspace_id,
  name: row.name,
  events: row.events,
  condition: JSON.parse(row.condition) as JsonObject,
  endpointIds: row.endpoint_ids,
  enabled: row.enabled,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
