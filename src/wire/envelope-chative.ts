import type { EnvelopeFacts } from '../domain/envelope-facts';
import type { Event } from '../domain/event';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../domain/json';
import { toSeconds } from './unix-time';

/**
 * The body of the dialect `chative` (seed "Chative", "The Structure of Webhook Data Object"); times in seconds. Of an event
 * of an object the item is the object, of a custom event the event itself.
 */
export function chative(event: Event, facts: EnvelopeFacts): string {
  const createdAt = toSeconds(event.createdAt);
  const infoWebhook = facts.verifyToken === null ? '{}' : JSON.stringify({ verifyToken: facts.verifyToken });
  const { id, object, data } = itemOf(event);
  return (
    `{"_id":${JSON.stringify(event.id)},"event":${JSON.stringify(event.type)},"createdAt":${createdAt},` +
    `"deliveryAttempts":${facts.attemptNumber},"firstSentAt":${toSeconds(facts.firstSentAt)},` +
    `"items":[{"_id":${JSON.stringify(id)},"object":${JSON.stringify(object)},"createdAt":${createdAt},"data":${data},"infoWebhook":${infoWebhook}}]}`
  );
}

// A custom event's data goes in as it was posted: a parse would reorder integer-like keys and round long numbers.
function itemOf(event: Event): { readonly id: string; readonly object: string; readonly data: string } {
  if (event.data !== null || event.object === null) return { id: event.id, object: 'event', data: event.data ?? 'null' };
  const object = JSON.parse(event.object) as JsonObject;
  return { id: event.objectId ?? event.id, object: String(object['type']), data: JSON.stringify(told(object, event)) };
}

/** The changed attributes of an update, null where one was removed; all of them for a creation and a deletion. */
function told(object: JsonObject, event: Event): JsonObject {
  const attributes = isJsonObject(object['attributes']) ? object['attributes'] : {};
  const changes: Json = event.changes === null ? [] : (JSON.parse(event.changes) as Json);
  if (!isJsonList(changes) || changes.length === 0) return attributes;
  const changed = changes.filter((path) => typeof path === 'string' && path.startsWith('attributes.')).map((path) => String(path).slice('attributes.'.length));
  return Object.fromEntries(changed.map((key) => [key, Object.hasOwn(attributes, key) ? (attributes[key] ?? null) : null]));
}
