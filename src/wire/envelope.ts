import { DIALECTS, type DialectName, type EnvelopeName } from '../domain/dialect';
import { attemptFacts, NOTHING_SENT, type EnvelopeFacts } from '../domain/envelope-facts';
import type { Event } from '../domain/event';
import { chative } from './envelope-chative';
import { flow } from './envelope-flow';
import { spektr } from './envelope-spektr';

/** How an event is written for a family of receivers. The same event and facts give the same bytes. */
type Envelope = (event: Event, facts: EnvelopeFacts) => string;

const ENVELOPES: Readonly<Record<EnvelopeName, Envelope>> = { standard, chakra, data, chative, spektr, flow };

/**
 * The body of the request that tells an endpoint of this dialect of the event, as UTF-8. Without facts it is that of a first
 * attempt at the moment of the event. Only dialects that tell facts have other bytes at another attempt.
 */
export const renderBody = (dialect: DialectName, event: Event, facts: EnvelopeFacts = firstFacts(event)): Buffer =>
  Buffer.from(ENVELOPES[DIALECTS[dialect].envelope](event, facts), 'utf8');

const firstFacts = ({ createdAt }: Event): EnvelopeFacts =>
  ({ ...attemptFacts(NOTHING_SENT, 1, createdAt), verifyToken: null, fileLink: ({ fileId }) => `/files/${fileId}` });

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

/** The event's data and nothing around it, byte for byte: what a channel received, or what was taken out of that. */
function data(event: Event): string {
  return event.data ?? 'null';
}

const text = (value: string | null): string => JSON.stringify(value);
