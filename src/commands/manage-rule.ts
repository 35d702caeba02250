import type { Deps } from '../deps';
import { uselessPatterns } from '../domain/dialect';
import type { JsonObject } from '../domain/json';
import type { Rule } from '../domain/rule';
import { AppError, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import { dialectsOf, keepEndpoints } from '../store/endpoints';
import { bumpRouting, takeRoutingTurn } from '../store/routing-revision';
import { countRules, deleteRule, insertRule, lockRule, updateRule } from '../store/rules';
import { neverOwed } from './manage-endpoint';
import { refuseArchived } from './manage-event-type';

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
 * @throws AppError 422 `invalid` with each endpoint that the workspace has not, or that is never owed one of the types;
 * `limit_reached` at {@link MAX_RULES}.
 */
export async function createRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, content: RuleContent): Promise<Rule> {
  await takeRoutingTurn(trx, `rules|${by.workspaceId}`);
  if ((await countRules(trx, by.workspaceId)) >= MAX_RULES) {
    throw new AppError('limit_reached', `The workspace has ${MAX_RULES} rules, which is as many as it may. Delete some first.`);
  }
  await requireEndpoints(trx, by.workspaceId, content.endpointIds);
  await requireUsefulPatterns(trx, by.workspaceId, content);
  await refuseArchived(trx, by.workspaceId, content.events);
  const rule = await insertRule(trx, { ...content, endpointIds: [...new Set(content.endpointIds)], id: deps.newId('rule'), workspaceId: by.workspaceId });
  await finish(deps, trx, by, 'rule.create', rule);
  return rule;
}

/**
 * Changes a rule; what was owed before stays owed.
 * @throws AppError 404; 422 `invalid` as {@link createRule}.
 */
export async function changeRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, id: string, change: RuleChange): Promise<Rule> {
  // Endpoints are locked before rules, as where an endpoint is deleted.
  if (change.endpointIds) await requireEndpoints(trx, by.workspaceId, change.endpointIds);
  const before = await lockRule(trx, by.workspaceId, id);
  if (!before) throw notFound('rule', id);
  const events = change.events ?? before.events;
  const endpointIds = change.endpointIds ? [...new Set(change.endpointIds)] : before.endpointIds;
  if (change.events || change.endpointIds) await requireUsefulPatterns(trx, by.workspaceId, { events, endpointIds });
  if (change.events) await refuseArchived(trx, by.workspaceId, change.events, before.events);
  const rule = await updateRule(trx, {
    id,
    workspaceId: by.workspaceId,
    name: change.name ?? before.name,
    events,
    condition: change.condition ?? before.condition,
    endpointIds,
    enabled: change.enabled ?? before.enabled,
  });
  await finish(deps, trx, by, 'rule.update', rule);
  return rule;
}

/** Deletes a rule; what was owed before stays owed. @throws AppError 404. */
export async function removeRule(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, id: string): Promise<void> {
  if (!(await deleteRule(trx, by.workspaceId, id))) throw notFound('rule', id);
  await addAudit(trx, { id: deps.newId('audit'), ...by, action: 'rule.delete', subjectId: id, detail: {} });
  await bumpRouting(trx, by.workspaceId, id);
}

async function requireEndpoints(trx: Sql, workspaceId: string, ids: readonly string[]): Promise<void> {
  const known = new Set((await keepEndpoints(trx, workspaceId, ids)).map(({ id }) => id));
  const errors = ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `endpointIds.${index}`, message: `there is no endpoint ${id} in this workspace` }]);
  if (errors.length > 0) throw new AppError('invalid', `A rule can only name endpoints of its workspace; ${errors.length} of these are not.`, errors);
}

/** A dialect with types of its own is owed nothing else: a rule that says so would never do what it says. */
async function requireUsefulPatterns(trx: Sql, workspaceId: string, { events, endpointIds }: Pick<RuleContent, 'events' | 'endpointIds'>): Promise<void> {
  const dialects = await dialectsOf(trx, workspaceId, endpointIds);
  const errors = endpointIds.flatMap((id, index) => {
    const dialect = dialects.get(id);
    const useless = dialect ? uselessPatterns(dialect, events) : [];
    return dialect && useless.length > 0 ? [{ path: `endpointIds.${index}`, message: neverOwed(dialect, useless) }] : [];
  });
  if (errors.length > 0) throw new AppError('invalid', `The rule names types that ${errors.length} of its endpoints can not be told of.`, errors);
}

async function finish(deps: Pick<Deps, 'newId'>, trx: Sql, by: RuleBy, action: string, rule: Rule): Promise<void> {
  const { id, name, events, condition, endpointIds, enabled } = rule;
  await addAudit(trx, { id: deps.newId('audit'), ...by, action, subjectId: id, detail: { name, events, condition, endpointIds, enabled } });
  await bumpRouting(trx, by.workspaceId, id);
}
