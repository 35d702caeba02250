import { z } from 'zod';
import { checkCondition } from '../../domain/condition';
import { isJsonObject } from '../../domain/json';
import { anyJson, eventPattern, eventType, idOf, jsonObject, nameText, timeOut } from './shared';

/** Most endpoints that one rule names. */
const MAX_ENDPOINTS = 100;

/** A condition; every mistake in it is told with its path. */
const condition = jsonObject.superRefine((value, context) => {
  if (!isJsonObject(value)) return;
  for (const { path, message } of checkCondition(value)) {
    context.addIssue({ code: 'custom', path: path === 'condition' ? [] : [path.replace(/^condition\./, '')], message });
  }
});

const events = z.array(eventPattern).min(1, 'must name at least one type of event').max(100);
const endpointIds = z.array(idOf('endpoint')).max(MAX_ENDPOINTS, `must name at most ${MAX_ENDPOINTS} endpoints`);

/** The body of a new rule. */
export const ruleCreate = z.strictObject({
  name: nameText, events, condition: condition.default({}), endpointIds, enabled: z.boolean().default(true),
});

/** The body of a change: what is absent stays, what is given replaces the whole part. */
export const ruleChange = z.strictObject({ name: nameText, events, condition, endpointIds, enabled: z.boolean() }).partial();

/** A rule as it is answered. */
export const ruleOut = z.strictObject({
  id: idOf('rule'),
  name: z.string(),
  events: z.array(z.string()),
  condition: jsonObject,
  endpointIds: z.array(z.string()),
  enabled: z.boolean(),
  createdAt: timeOut,
  updatedAt: timeOut,
});

/** An event that need not exist, to try rules with. */
export const eventSample = z.strictObject({
  type: eventType,
  object: jsonObject.optional(),
  previous: jsonObject.optional(),
  changes: z.array(z.string().max(500)).max(1_000).optional(),
  data: anyJson.optional(),
});

/** The body of a trial: one rule, or all of the workspace's, against one event. */
export const tryBody = z.strictObject({
  rule: z.strictObject({
    name: nameText.optional(), events, condition: condition.default({}), endpointIds: endpointIds.default([]), enabled: z.boolean().default(true),
  }).optional(),
  ruleId: idOf('rule').optional(),
  eventId: idOf('event').optional(),
  event: eventSample.optional(),
}).superRefine((body, context) => {
  if (body.rule !== undefined && body.ruleId !== undefined) {
    context.addIssue({ code: 'custom', path: ['ruleId'], message: 'must not stand beside rule; without both all rules of the workspace are tried' });
  }
  if ((body.eventId === undefined) === (body.event === undefined)) {
    context.addIssue({ code: 'custom', path: ['eventId'], message: 'must be given, or event instead of it, but not both' });
  }
}).meta({ oneOf: [{ required: ['eventId'], properties: { event: false } }, { required: ['event'], properties: { eventId: false } }], not: { required: ['rule', 'ruleId'] } });

/** What came of a trial, rule by rule. */
export const tryOut = z.strictObject({
  results: z.array(z.strictObject({
    ruleId: z.string().nullable(), name: z.string().nullable(), matches: z.boolean(), reason: z.string(),
  })),
});
