import { compileCondition, explainCondition, factsOf } from '../domain/condition';
import type { Event } from '../domain/event';
import { type JsonObject, isJsonObject } from '../domain/json';
import { OBJECT_KINDS, type ObjectKind } from '../domain/object';
import { ruleCovers, type Rule } from '../domain/rule';

/** Whether a rule matches an event, and why or why not. */
export interface RuleTrial {
  readonly matches: boolean;
  readonly reason: string;
}

/** Tries a rule on an event as the plan would; a rule that is switched off never matches, and says what it would do. */
export function tryRule(rule: Pick<Rule, 'events' | 'condition' | 'enabled'>, event: Event): RuleTrial {
  if (!ruleCovers(rule, event.type)) {
    return { matches: false, reason: `the type ${event.type} is not among the rule's: ${rule.events.slice(0, 20).join(', ')}` };
  }
  const facts = factsOf(event);
  const matches = compileCondition(rule.condition)(facts);
  const reason = explainCondition(rule.condition, facts);
  if (rule.enabled) return { matches, reason };
  return { matches: false, reason: `the rule is switched off; switched on it would ${matches ? '' : 'not '}match: ${reason}` };
}

/** An event to try rules with that need not exist. */
export interface EventSample {
  readonly type: string;
  readonly object?: JsonObject | undefined;
  readonly previous?: JsonObject | undefined;
  readonly changes?: readonly string[] | undefined;
  readonly data?: unknown;
}

/** A sample as an event of this id, made now. Its object's `kind` and `id` become the event's where they are given. */
export function sampleEvent(id: string, workspaceId: string, sample: EventSample, now: Date): Event {
  const { object } = sample;
  const kind = OBJECT_KINDS.find((known) => known === object?.['kind']) ?? null;
  const objectId = typeof object?.['id'] === 'string' ? object['id'] : null;
  return {
    id, workspaceId, externalId: null, type: sample.type, sequence: null, causedBy: null,
    objectKind: kind satisfies ObjectKind | null, objectId,
    object: isJsonObject(object) ? JSON.stringify(object) : null,
    previous: sample.previous ? JSON.stringify(sample.previous) : object ? '{}' : null,
    changes: sample.changes ? JSON.stringify(sample.changes) : object ? '[]' : null,
    data: sample.data === undefined ? null : JSON.stringify(sample.data),
    actor: null, occurredAt: now, createdAt: now,
  };
}
