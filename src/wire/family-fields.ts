import type { Event } from '../domain/event';
import { isJsonObject, type Json, type JsonObject } from '../domain/json';

/**
 * The fields of a family's body that its event holds. A custom event whose data has a member `data` gives them itself; any
 * other data, or the object of an event that is none of the family, is the body's `data`.
 */
export function familyFields(event: Event): JsonObject {
  const text = event.data ?? event.object;
  const value = text === null ? {} : (JSON.parse(text) as Json);
  return event.data !== null && isJsonObject(value) && Object.hasOwn(value, 'data') ? value : { data: value };
}
