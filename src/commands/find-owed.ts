import type { Event } from '../domain/event';
import { isInbound } from '../domain/event';
import { subscribesTo } from '../domain/endpoint';
import type { Recovery, Remedy } from '../domain/recovery';
import { remedyOf } from '../domain/recovery';
import { ruleCovers } from '../domain/rule';
import { compileRuleSet } from '../domain/rule-set';
import { readEvents } from '../store/attempts';
import { routedChannels } from '../store/channels';
import type { Sql } from '../store/db';
import type { StoredEndpoint } from '../store/endpoints';
import { walk, type Past, type Sighting } from '../store/recovery-scan';
import { findRule, rulesNaming } from '../store/rules';

/** What an endpoint is owed, by the rules of now. */
export interface Owing {
  /** A cheap look by type: false where no event of it is owed. */
  mayOwe(type: string): boolean;
  owes(event: Event): boolean;
}

/**
 * What an endpoint is owed by its own subscription, the rules that name it and the channels that are its; of a backfill what
 * the one rule would match, enabled or not. The evaluation is the plan's own, scope, dialect and families included. Null:
 * the rule is gone, or names the endpoint no more.
 */
export async function owingOf(sql: Sql, endpoint: StoredEndpoint, ruleId: string | null): Promise<Owing | null> {
  const { id, workspaceId } = endpoint;
  if (ruleId !== null) {
    const rule = await findRule(sql, workspaceId, ruleId);
    if (!rule?.endpointIds.includes(id)) return null;
    const ruleSet = compileRuleSet([{ ...rule, enabled: true }], [{ ...endpoint, events: [] }]);
    return { mayOwe: (type) => ruleCovers(rule, type), owes: (event) => ruleSet.owedTo(event).includes(id) };
  }
  const rules = await rulesNaming(sql, workspaceId, id);
  const channels = await routedChannels(sql, workspaceId);
  const ruleSet = compileRuleSet(rules, [endpoint], channels);
  return {
    mayOwe: (type) => isInbound(type) || subscribesTo(endpoint.events, type) || rules.some((rule) => ruleCovers(rule, type)),
    owes: (event) => ruleSet.owedTo(event).includes(id),
  };
}

/** Something to be done for one event. */
export interface Found {
  readonly eventId: string;
  readonly remedy: Remedy;
}

/** What one stretch of a walk came to. */
export interface Findings {
  readonly found: readonly Found[];
  /** Steps made. */
  readonly looked: number;
  /** The last of them; where none was made the place that was given. */
  readonly place: string;
  /** Whether nothing follows. */
  readonly isEnd: boolean;
}

/** How far a stretch goes. */
export interface Stretch {
  readonly recovery: Recovery;
  readonly past: Past;
  readonly owing: Owing;
  readonly after: string;
  /** Most steps, and most that is found. */
  readonly steps: number;
  readonly most: number;
}

/** Bodies that are read at once: each may have 256 KiB and more. */
const BODIES = 50;

/** Walks on from a place and says what is to be done for the events there. Only reads. */
export async function findOwed(sql: Sql, { recovery, past, owing, after, steps, most }: Stretch): Promise<Findings> {
  const sightings = await walk(sql, past, after, steps);
  const found: Found[] = [];
  let looked = 0;
  while (looked < sightings.length && found.length < most) {
    const slice = sightings.slice(looked, looked + BODIES);
    const remedies = slice.map((sighting) => remedyFor(recovery, owing, sighting));
    const asked = slice.filter((_, n) => remedies[n] === 'add').map(({ eventId }) => eventId);
    const owed = new Set((asked.length > 0 ? await readEvents(sql, asked) : []).filter((event) => owing.owes(event)).map(({ id }) => id));
    for (const [n, { eventId }] of slice.entries()) {
      const remedy = remedies[n] ?? null;
      if (remedy !== null && (remedy !== 'add' || owed.has(eventId))) found.push({ eventId, remedy });
      looked += 1;
      if (found.length === most) break;
    }
  }
  return { found, looked, place: sightings[looked - 1]?.place ?? after, isEnd: looked === sightings.length && sightings.length < steps };
}

/** An event that is not planned yet is left to its plan, which goes by the same rules. */
function remedyFor({ only }: Recovery, owing: Owing, { isPlanned, latest, type }: Sighting): Remedy | null {
  const remedy = remedyOf(only, latest);
  return remedy === 'add' && !(isPlanned && owing.mayOwe(type ?? '')) ? null : remedy;
}
