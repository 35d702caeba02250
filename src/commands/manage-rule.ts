import type { Deps } from '../deps';
import type { JsonObject } from '../domain/json';
import type { Rule } from '../domain/rule';
import { AppError, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import { keepEndpoints } from '../store/endpoints';
import { bumpRouting, takeRoutingTurn } from '../store/routing-revision';
import { countRules, deleteRule, insertRule, lockRule, updateRule } from '../store/rules';

/** Most rules of one workspace. */
export const MAX_RULES = 10_000;

/** Whose rule, and who changes it: a key's id or `root`. */
export interface RuleBy {
  readonly workspaceId: string;
  readonly actor: string;
}

/** What a caller decides of a rule; its condition is checked. */
export interface RuleContent {
  readonly name: string;
  readonly events: readonly string[];
  readonly condition: JsonObject;
  readonly endpointIds: readonly string[];
  readonly enabled: boolean;
}

/** A change of a rule: what is undefined stays. */
export type RuleChange = { readonly [K in keyof RuleContent]?: RuleContent[K] | undefined };

/**
 * Makes a rule. An endpoint that is named twice counts once.
 * @throws AppError 422 `invalid` with each endpoint that the workspace has not, `limit_reached` at {@link MAX_RULES}.
 */
export async function createRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, content: RuleContent): Promise<Rule> {
  await takeRoutingTurn(trx, `rules|${by.workspaceId}`);
  if ((await countRules(trx, by.workspaceId)) >= MAX_RULES) {
    throw new AppError('limit_reached', `The workspace has ${MAX_RULES} rules, which is as many as it may. Delete some first.`);
  }
  await requireEndpoints(trx, by.workspaceId, content.endpointIds);
  const rule = await insertRule(trx, { ...content, endpointIds: [...new Set(content.endpointIds)], id: deps.newId('rule'), workspaceId: by.workspaceId });
  await finish(deps, trx, by, 'rule.create', rule);
  return rule;
}

/**
 * Changes a rule; what was owed before stays owed.
 * @throws AppError 404; 422 `invalid` with each endpoint that the workspace has not.
 */
export async function changeRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, id: string, change: RuleChange): Promise<Rule> {
  // Endpoints are locked before rules, as where an endpoint is deleted.
  if (change.endpointIds) await requireEndpoints(trx, by.workspaceId, change.endpointIds);
  const before = await lockRule(trx, by.workspaceId, id);
  if (!before) throw notFound('rule', id);
  const rule = await updateRule(trx, {
    id,
    workspaceId: by.workspaceId,
    name: change.name ?? before.name,
    events: change.events ?? before.events,
    condition: change.condition ?? before.condition,
    endpointIds: change.endpointIds ? [...new Set(change.endpointIds)] : before.endpointIds,
    enabled: change.enabled ?? before.enabled,
  });
  await finish(deps, trx, by, 'rule.update', rule);
  return rule;
}

/** Deletes a rule; what was owed before stays owed. @throws AppError 404. */
export async function removeRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, id: string): Promise<void> {
  if (!(await deleteRule(trx, by.workspaceId, id))) throw notFound('rule', id);
  await addAudit(trx, { id: deps.newId('audit'), ...by, action: 'rule.delete', subjectId: id, detail: {} });
  await bumpRouting(trx, by.workspaceId);
}

async function requireEndpoints(trx: Sql, workspaceId: string, ids: readonly string[]): Promise<void> {
  const known = new Set((await keepEndpoints(trx, workspaceId, ids)).map(({ id }) => id));
  const errors = ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `endpointIds.${index}`, message: `there is no endpoint ${id} in this workspace` }]);
  if (errors.length > 0) throw new AppError('invalid', `A rule can only name endpoints of its workspace; ${errors.length} of these are not.`, errors);
}

async function finish(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, action: string, rule: Rule): Promise<void> {
  const { id, name, events, condition, endpointIds, enabled } = rule;
  await addAudit(trx, { id: deps.newId('audit'), ...by, action, subjectId: id, detail: { name, events, condition, endpointIds, enabled } });
  await bumpRouting(trx, by.workspaceId);
}
