import { FAMILIES } from '../domain/family';
import type { JsonObject } from '../domain/json';
import type { TrackedObject } from '../domain/object';
import { invalid } from '../errors';
import type { Sql } from '../store/db';
import { familiesOf } from '../store/endpoints';
import type { NewEvent } from '../store/event-insert';
import { findObject } from '../store/objects';
import type { ChangeContext } from './change-object';

/** Most events of families that one change makes: each tag that enters or leaves is one, and each holds the whole object. */
export const MAX_FAMILY_EVENTS = 1_000;

/**
 * The events that a change is to the families that the workspace has endpoints of, in the order of product.md. Each repeats
 * `cause`, the last lifecycle event of the change, with an id, a type and data of its own. A change that is none of a
 * family's costs no query.
 * @throws AppError 422 where they are more than {@link MAX_FAMILY_EVENTS}.
 */
export async function familyEvents(
  sql: Sql, context: Pick<ChangeContext, 'workspaceId' | 'newId' | 'actor'>, before: TrackedObject | null, after: TrackedObject, cause: NewEvent | undefined,
): Promise<NewEvent[]> {
  const concerned = FAMILIES.filter((family) => family.concerns(before, after));
  if (concerned.length === 0 || !cause) return [];
  const present = await familiesOf(sql, context.workspaceId);
  const families = concerned.filter(({ name }) => present.has(name));
  if (families.length === 0) return [];
  const process = await processOf(sql, after);
  const actor: JsonObject | null = context.actor;
  const made = families.flatMap((family) => family.eventsOf({ before, after, process, actor }));
  if (made.length > MAX_FAMILY_EVENTS) {
    throw invalid('attributes.tags', `${made.length} tags enter or leave at once, and each is an event; at most ${MAX_FAMILY_EVENTS} may in one change`);
  }
  return made.map(({ type, data }) => ({ ...cause, id: context.newId('event'), type, causedBy: cause.id, data: JSON.stringify(data) }));
}

async function processOf(sql: Sql, object: TrackedObject): Promise<TrackedObject | null> {
  if (object.kind === 'process') return object;
  return object.processId === null ? null : findObject(sql, object.workspaceId, { kind: 'process', id: object.processId });
}
