import { z } from 'zod';
import { changeRule, createRule, removeRule } from '../../commands/manage-rule';
import { sampleEvent, tryRule } from '../../commands/try-rule';
import type { Event } from '../../domain/event';
import type { Rule } from '../../domain/rule';
import { notFound } from '../../errors';
import { findEvent } from '../../store/events';
import { allRules, findRule, listRules } from '../../store/rules';
import { by } from '../by';
import { listQuery, openList } from '../lists';
import { route, type Route, type RouteContext } from '../route';
import { ruleChange, ruleCreate, ruleOut, tryBody, tryOut } from '../schemas/rule';
import { idOf, pageOf } from '../schemas/shared';

const tag = 'rules';
const params = z.object({ ruleId: idOf('rule') });
/** A condition of 16 KiB may be written with much white space and many escapes. */
const BODY_LIMIT = 256 * 1024;
/** Room for a whole event as a sample. */
const TRY_LIMIT = 1024 * 1024;

/** The calls of rules. */
export const ruleRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/rules', role: 'write', tag, summary: 'Make a rule: which events are owed to which endpoints',
    bodyLimit: BODY_LIMIT, body: ruleCreate, replies: { 201: ruleOut },
    handle: async ({ body }, context) => ({
      status: 201, body: presentRule(await context.write((trx) => createRule(context.deps, trx, by(context), body))),
    }),
  }),
  route({
    method: 'GET', path: '/v1/rules', role: 'read', tag, summary: 'List rules, newest first',
    query: listQuery, replies: { 200: pageOf(ruleOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'rules', 'rule', query);
      return { status: 200, body: list.page(await listRules(context.sql, context.caller.workspaceId, list.bounds), presentRule) };
    },
  }),
  route({
    method: 'GET', path: '/v1/rules/:ruleId', role: 'read', tag, summary: 'Read a rule', params, replies: { 200: ruleOut },
    handle: async ({ params: { ruleId } }, context) => ({ status: 200, body: presentRule(await requireRule(context, ruleId)) }),
  }),
  route({
    method: 'PATCH', path: '/v1/rules/:ruleId', role: 'write', tag, summary: 'Change a rule; what was owed before stays owed',
    params, bodyLimit: BODY_LIMIT, body: ruleChange, replies: { 200: ruleOut },
    handle: async ({ params: { ruleId }, body }, context) => ({
      status: 200, body: presentRule(await context.write((trx) => changeRule(context.deps, trx, by(context), ruleId, body))),
    }),
  }),
  route({
    method: 'DELETE', path: '/v1/rules/:ruleId', role: 'write', tag, summary: 'Delete a rule; what was owed before stays owed', params, replies: { 204: null },
    handle: async ({ params: { ruleId } }, context) => {
      await context.write((trx) => removeRule(context.deps, trx, by(context), ruleId));
      return { status: 204 };
    },
  }),
  route({
    method: 'POST', path: '/v1/rules/try', role: 'read', tag, noIdempotency: true, bodyLimit: TRY_LIMIT,
    summary: 'Try a rule (or all of them) on an event or a sample: does it match, and why not; nothing is stored or sent',
    body: tryBody, replies: { 200: tryOut },
    handle: async ({ body }, context) => {
      const event = await eventToTry(context, body);
      const results = (await rulesToTry(context, body)).map(({ ruleId, rule }) => ({ ruleId, name: rule.name ?? null, ...tryRule(rule, event) }));
      return { status: 200, body: { results } };
    },
  }),
];

async function requireRule({ sql, caller }: RouteContext, id: string): Promise<Rule> {
  const rule = await findRule(sql, caller.workspaceId, id);
  if (!rule) throw notFound('rule', id);
  return rule;
}

async function eventToTry({ deps, sql, caller }: RouteContext, body: z.output<typeof tryBody>): Promise<Event> {
  if (body.event) return sampleEvent(deps.newId('event'), caller.workspaceId, body.event, deps.now());
  const id = body.eventId ?? '';
  const told = await findEvent(sql, caller.workspaceId, id);
  if (!told) throw notFound('event', id);
  return told.event;
}

type TriedRule = Pick<Rule, 'events' | 'condition' | 'enabled'> & { readonly name?: string | undefined };

async function rulesToTry(context: RouteContext, body: z.output<typeof tryBody>): Promise<{ ruleId: string | null; rule: TriedRule }[]> {
  if (body.rule) return [{ ruleId: null, rule: body.rule }];
  const rules = body.ruleId === undefined ? await allRules(context.sql, context.caller.workspaceId) : [await requireRule(context, body.ruleId)];
  return rules.map((rule) => ({ ruleId: rule.id, rule }));
}

const presentRule = (rule: Rule) => ({
  id: rule.id,
  name: rule.name,
  events: rule.events,
  condition: rule.condition,
  endpointIds: rule.endpointIds,
  enabled: rule.enabled,
  createdAt: rule.createdAt.toISOString(),
  updatedAt: rule.updatedAt.toISOString(),
});
