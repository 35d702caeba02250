import { patternCovers } from './event';
import type { JsonObject } from './json';

/** Which events are owed to which endpoints, as data. */
export interface Rule {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** Patterns of event types. */
  readonly events: readonly string[];
  readonly condition: JsonObject;
  readonly endpointIds: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whether a rule's list of types covers this one. */
export const ruleCovers = (rule: Pick<Rule, 'events'>, type: string): boolean =>
  rule.events.some((pattern) => patternCovers(pattern, type));
