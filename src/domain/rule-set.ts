import type { RoutedChannel } from './channel';
import { ClauseIndex, type Clause, type Condition } from './clause-index';
import { compileCondition } from './condition-compile';
import { equals } from './condition-operators';
import { readPath } from './condition-path';
import { pivotsOf } from './condition-pivot';
import { canBeOwed, isFamilyEvent, type DialectName } from './dialect';
import { coveringPatterns, INBOUND_RAW, INBOUND_TYPES, inboundType, isInbound, isOperational, patternCovers, type Event } from './event';
import { type Facts, factsOf } from './facts';
import { isJsonObject, type JsonObject } from './json';
import type { Rule } from './rule';

/** What routing needs to know of an endpoint. */
export interface RoutedEndpoint {
  readonly id: string;
  readonly dialect: DialectName;
  /** Patterns of event types that it subscribes to directly. */
  readonly events: readonly string[];
  /** `<attribute>:<value>`, such as `flow:onboarding`: it is owed only what {@link isInScope}; null: no limit. */
  readonly scope: string | null;
}

/** The rules and direct subscriptions of one workspace, made ready to be asked about many events. */
export interface RuleSet {
  /** The ids of the endpoints that are owed an event, each once, sorted. Never throws. */
  owedTo(event: Event): readonly string[];
}

/** Conditions that are compiled, by the very object of their rule: a rule that stays as it is need not be compiled again. */
export type CompiledConditions = WeakMap<JsonObject, Condition>;

/**
 * Makes rules and subscriptions ready. Disabled rules, and endpoints that are not among `endpoints`, are left out. Throws
 * an Error that names the rule where a stored condition can't be compiled: better late than planned without it. What is
 * compiled is taken from `compiled`, and added to it.
 */
export function compileRuleSet(
  rules: readonly Rule[], endpoints: readonly RoutedEndpoint[], channels: readonly RoutedChannel[] = [],
  compiled: CompiledConditions = new WeakMap(),
): RuleSet {
  const known = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
  const enabled = rules.filter((rule) => rule.enabled);
  const byPattern = indexByPattern(enabled, endpoints, known, compiled);
  // A subscription of one's own never covers what a channel received: only rules that say so, and the channel's endpoints.
  const inbound = indexByPattern(enabled.filter(({ events }) => events.some(coversInbound)), [], known, compiled);
  const channelOf = new Map(channels.map((channel) => [channel.id, channel]));

  return {
    owedTo(event) {
      const facts = factsOf(event);
      const about = isOperational(event.type) ? readPath(facts.data, ['endpointId']) : undefined;
      const matched = matchedBy(event.type, facts, isInbound(event.type) ? inbound : byPattern);
      const own = event.received && endpointOfChannel(channelOf.get(event.received.channelId), event.type);
      if (own && known.has(own)) matched.add(own);
      return [...matched]
        .filter((id) => id !== about && takes(known.get(id), event, facts))
        .sort();
    },
  };
}

const takes = (endpoint: RoutedEndpoint | undefined, event: Event, facts: Facts): boolean =>
  endpoint !== undefined && canBeOwed(endpoint.dialect, event) && isInScope(endpoint.scope, facts, isFamilyEvent(event));

function endpointOfChannel(channel: RoutedChannel | undefined, type: string): string | null {
  if (!channel) return null;
  if (type === INBOUND_RAW) return channel.passThroughEndpointId;
  return channel.events.some((kind) => inboundType(kind) === type) ? channel.friendlyEndpointId : null;
}

/**
 * Whether an event is of a scope: its object's attribute of that name has that value, or its data has. A scope without
 * a colon is the value of the attribute `scope`. No scope covers everything. The event of a family says its scope itself
 * where its data names one: a technology's is that of its session (product.md, "flow scope").
 */
export function isInScope(scope: string | null, facts: Facts, isOfFamily = false): boolean {
  if (scope === null) return true;
  const colon = scope.indexOf(':');
  const name = colon === -1 ? 'scope' : scope.slice(0, colon);
  const isWanted = equals(scope.slice(colon + 1));
  if (isOfFamily && isJsonObject(facts.data) && Object.hasOwn(facts.data, name)) return isWanted(readPath(facts.data, [name]));
  return isWanted(readPath(facts.object, ['attributes', name])) || isWanted(readPath(facts.data, [name]));
}

type ByPattern = ReadonlyMap<string, ClauseIndex>;

// The same condition may stand in many rules and under several patterns: it is evaluated once an event.
function matchedBy(type: string, facts: Facts, byPattern: ByPattern): Set<string> {
  const results = new Map<Condition, boolean>();
  const owed = new Set<string>();
  for (const pattern of coveringPatterns(type)) {
    for (const { condition, endpointIds } of byPattern.get(pattern)?.candidates(facts) ?? []) {
      const matches = results.get(condition) ?? condition.matches(facts);
      results.set(condition, matches);
      if (matches) for (const id of endpointIds) owed.add(id);
    }
  }
  return owed;
}

const coversInbound = (pattern: string): boolean => INBOUND_TYPES.some((type) => patternCovers(pattern, type));

interface OpenClause extends Clause {
  endpointIds: readonly string[] | Set<string>;
}

// A direct subscription is a rule without a condition.
function indexByPattern(
  rules: readonly Rule[], endpoints: readonly RoutedEndpoint[], known: ReadonlyMap<string, unknown>, compiled: CompiledConditions,
): ByPattern {
  const conditions = new Map<string, Condition>();
  const clauses = new Map<string, Map<Condition, OpenClause>>();

  const add = (patterns: readonly string[], condition: Condition, endpointIds: readonly string[]): void => {
    for (const pattern of patterns) {
      const ofPattern = clauses.get(pattern) ?? new Map<Condition, OpenClause>();
      clauses.set(pattern, ofPattern);
      const clause = ofPattern.get(condition);
      if (clause) clause.endpointIds = joined(clause.endpointIds, endpointIds);
      else ofPattern.set(condition, { condition, endpointIds });
    }
  };

  const everything = conditionOf({}, conditions, compiled);
  for (const endpoint of endpoints) add(endpoint.events, everything, [endpoint.id]);
  for (const rule of rules) {
    const owed = rule.endpointIds.filter((id) => known.has(id));
    if (owed.length > 0) add(rule.events, ruleCondition(rule, conditions, compiled), owed);
  }
  return new Map([...clauses].map(([pattern, ofPattern]) => [pattern, new ClauseIndex([...ofPattern.values()])]));
}

// Most conditions are of one rule alone, whose list will do: sets are dear where there are thousands.
function joined(some: OpenClause['endpointIds'], others: readonly string[]): Set<string> {
  const all = some instanceof Set ? some : new Set(some);
  for (const id of others) all.add(id);
  return all;
}

function ruleCondition(rule: Rule, conditions: Map<string, Condition>, compiled: CompiledConditions): Condition {
  try {
    return conditionOf(rule.condition, conditions, compiled);
  } catch (error) {
    throw new Error(`The condition of rule ${rule.id} can not be compiled: save it again.`, { cause: error });
  }
}

function conditionOf(json: JsonObject, conditions: Map<string, Condition>, compiled: CompiledConditions): Condition {
  const known = compiled.get(json);
  const text = known?.text ?? JSON.stringify(json);
  const condition = conditions.get(text) ?? known ?? { text, pivots: pivotsOf(json), matches: compileCondition(json) };
  conditions.set(text, condition);
  compiled.set(json, condition);
  return condition;
}
