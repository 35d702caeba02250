import type { DialectName } from '../domain/dialect';
import type { EndpointTarget } from '../domain/endpoint';
import { INBOUND_RAW, inboundType, type Event } from '../domain/event';
import { builtInType } from '../domain/event-catalogue';
import { isJsonObject, type Json, type JsonObject } from '../domain/json';
import { OBJECT_KINDS } from '../domain/object';
import type { Sql } from '../store/db';
import { findEventType } from '../store/event-types';
import { sampleOfBuiltIn, sampleOfType } from './present-event-type';

/** What a test call tells of, where its caller does not say. */
interface Sample {
  readonly type: string;
  readonly data: Json;
}

const SAMPLE: Sample = { type: 'endpoint.test', data: { test: true } };

/** Bodies that are nothing but the data have the shape that their receivers know. */
const SAMPLES: Partial<Readonly<Record<DialectName, Sample>>> = {
  'chakra-inbound': { type: inboundType('message'), data: { event: 'message', payload: { test: true } } },
  meta: { type: INBOUND_RAW, data: { object: 'whatsapp_business_account', entry: [] } },
};

/** A sample of a type, from the catalogue where that has one; null: there is none. */
export async function catalogueSample(sql: Sql, workspaceId: string, type: string): Promise<Json | null> {
  const builtIn = builtInType(type);
  if (builtIn) return sampleOfBuiltIn(builtIn);
  const stored = await findEventType(sql, workspaceId, type);
  return (stored && sampleOfType(stored)) ?? null;
}

/** The event of a test call: never stored, so nobody else will see its id. `given` is what the caller wants it to be. */
export function newCustomSample(
  id: string, { workspaceId, dialect }: Pick<EndpointTarget, 'workspaceId' | 'dialect'>, given: Sample | undefined, now: Date,
): Event {
  const { type, data } = given ?? SAMPLES[dialect] ?? SAMPLE;
  const base = { id, workspaceId, externalId: null, type, causedBy: null, actor: null, occurredAt: now, createdAt: now };
  if (builtInType(type)?.kind === 'lifecycle' && isChange(data)) {
    const { objectKind, objectId, sequence, object, previous, changes } = data;
    return { ...base, sequence, objectKind, objectId, object: JSON.stringify(object), previous: JSON.stringify(previous), changes: JSON.stringify(changes), data: null };
  }
  return { ...base, sequence: null, objectKind: null, objectId: null, object: null, previous: null, changes: null, data: JSON.stringify(data) };
}

interface Change {
  readonly objectKind: Event['objectKind'];
  readonly objectId: string;
  readonly sequence: number;
  readonly object: JsonObject;
  readonly previous: Json;
  readonly changes: Json;
}

/** Whether data is that of a lifecycle event: then each dialect writes it as it writes one. */
const isChange = (data: Json): data is Json & Change =>
  isJsonObject(data) && isJsonObject(data['object']) && typeof data['objectId'] === 'string' && typeof data['sequence'] === 'number'
  && OBJECT_KINDS.some((kind) => kind === data['objectKind']) && data['previous'] !== undefined && data['changes'] !== undefined;
