import { z } from 'zod';
import { ID_PREFIXES, type IdKind } from '../../domain/ids';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json';
import { EVENT_PATTERN, EVENT_TYPE } from '../../domain/event';

/** An id of this kind, as a caller gives it. */
export const idOf = (kind: IdKind): z.ZodString =>
  z.string().regex(
    new RegExp(`^${ID_PREFIXES[kind]}_[0-9abcdefghjkmnpqrstvwxyz]{26}$`),
    `must be the id of ${ID_NOUNS[kind]}, such as ${ID_PREFIXES[kind]}_…`,
  );

const ID_NOUNS: Readonly<Record<IdKind, string>> = {
  record: 'a record', process: 'a process', task: 'a task', event: 'an event', rule: 'a rule', endpoint: 'an endpoint', delivery: 'a delivery',
  attempt: 'an attempt', job: 'a job', channel: 'a channel', key: 'an API key', workspace: 'a workspace', secret: 'a secret', audit: 'an audit entry', file: 'a file',
};

/** An id of any object: a record, a process or a task. */
export const objectId = z.string().regex(/^(rec|prc|tsk)_[0-9abcdefghjkmnpqrstvwxyz]{26}$/, 'must be the id of a record, a process or a task');

/** What `timeIn` takes, as near as a pattern can say it: what is left to its own check are the days of a month. */
const TIME_IN = '^(19[7-9]\\d|[2-9]\\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d+)?)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';

/** A time as a caller gives it: ISO 8601 with a zone; becomes a Date. */
export const timeIn = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time with a zone, such as 2025-01-31T12:00:00.000Z' })
  .meta({ pattern: TIME_IN })
  .transform((text) => new Date(text))
  .refine((at) => at.getUTCFullYear() >= 1970 && at.getUTCFullYear() <= 9999, 'must be from 1970 to 9999');

/** A time as it is answered: ISO 8601, UTC, milliseconds. */
export const timeOut = z.iso.datetime({ precision: 3 });

/** Any JSON object. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be a JSON object').meta({ type: 'object', additionalProperties: true });

/** Any JSON value. */
export const anyJson = z.custom<Json>((value) => value !== undefined, 'must be given (any JSON value)').meta({});

/** `true` or `false` in a query string. */
export const queryFlag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Text of a name that people give. */
export const nameText = z.string().min(1, 'must not be empty').max(200);

/** An event's type. */
export const eventType = z.string().regex(EVENT_TYPE, 'must be 1 to 128 characters of A-Z a-z 0-9 _ . : -');

/** A subscription's pattern: `*`, one type, or a prefix that ends in `:*` or `.*`. */
export const eventPattern = z.string().max(128).regex(EVENT_PATTERN, 'must be "*", an event type, or a prefix that ends in ":*" or ".*"');

/** The answer of a list. */
export const pageOf = <T extends z.ZodType>(item: T) => z.strictObject({
  data: z.array(item),
  nextCursor: z.string().nullable()
    .describe('the `cursor` of the next page; null: there is none. With filters a page may be short, or empty, and there is a next one all the same'),
});
