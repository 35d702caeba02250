import type { DialectName } from '../domain/dialect';
import type { EndpointTarget } from '../domain/endpoint';
import { INBOUND_RAW, inboundType, type Event } from '../domain/event';

/** What a test call tells of, where its caller does not say. */
interface Sample {
  readonly type: string;
  readonly data: unknown;
}

const SAMPLE: Sample = { type: 'endpoint.test', data: { test: true } };

/** Bodies that are nothing but the data have the shape that their receivers know. */
const SAMPLES: Partial<Readonly<Record<DialectName, Sample>>> = {
  'chakra-inbound': { type: inboundType('message'), data: { event: 'message', payload: { test: true } } },
  meta: { type: INBOUND_RAW, data: { object: 'whatsapp_business_account', entry: [] } },
};

/** The event of a test call: never stored, so nobody else will see its id. `given` is what the caller wants it to be. */
export function newCustomSample(
  id: string, { workspaceId, dialect }: Pick<EndpointTarget, 'workspaceId' | 'dialect'>, given: Sample | undefined, now: Date,
): Event {
  const { type, data } = given ?? SAMPLES[dialect] ?? SAMPLE;
  return {
    id, workspaceId, externalId: null, type, sequence: null, causedBy: null, objectKind: null, objectId: null,
    object: null, previous: null, changes: null, data: JSON.stringify(data), actor: null, occurredAt: now, createdAt: now,
  };
}
