import { DIALECTS, type DialectName, type EnvelopeName } from '../domain/dialect';
import type { Event } from '../domain/event';

/** How an event is written for a family of receivers. The same event gives the same bytes, at every attempt. */
type Envelope = (event: Event) => string;

const ENVELOPES: Readonly<Record<EnvelopeName, Envelope>> = { standard, chakra };

/** The body of the request that tells an endpoint of this dialect of the event, as UTF-8. */
export const renderBody = (dialect: DialectName, event: Event): Buffer =>
  Buffer.from(ENVELOPES[DIALECTS[dialect].envelope](event), 'utf8');

/** `{id, type, timestamp, data}` of Standard Webhooks; `data` is the posted one, or for a lifecycle event what changed. */
function standard(event: Event): string {
  const data = event.data ??
    `{"objectKind":${text(event.objectKind)},"objectId":${text(event.objectId)},"sequence":${event.sequence},` +
    `"object":${event.object},"previous":${event.previous},"changes":${event.changes}}`;
  return `{"id":${text(event.id)},"type":${text(event.type)},"timestamp":"${event.occurredAt.toISOString()}","data":${data}}`;
}

/** The whole event as the API shows it, without `owed` and `delivered`, which change while it is being delivered. */
function chakra(event: Event): string {
  return (
    `{"id":${text(event.id)},"externalId":${text(event.externalId)},"type":${text(event.type)},"sequence":${event.sequence},` +
    `"causedBy":${text(event.causedBy)},"objectKind":${text(event.objectKind)},"objectId":${text(event.objectId)},` +
    // JSON texts go in as they are stored: a parse would reorder integer-like keys and round long numbers.
    `"object":${event.object},"previous":${event.previous},"changes":${event.changes},"data":${event.data},"actor":${event.actor},` +
    `"occurredAt":"${event.occurredAt.toISOString()}","createdAt":"${event.createdAt.toISOString()}"}`
  );
}

const text = (value: string | null): string => JSON.stringify(value);
