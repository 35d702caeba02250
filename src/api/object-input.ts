import type { NewObject } from '../commands/change-object';
import type { JsonObject } from '../domain/json';
import type { ObjectKind, ObjectPatch } from '../domain/object';
import type { ObjectBody } from './schemas/objects';

/** What a body says of an object that is created. */
export const newObject = (kind: ObjectKind, type: string, primaryKey: string | null, body: ObjectBody): NewObject => ({
  kind,
  type,
  primaryKey,
  recordId: body.recordId ?? null,
  processId: body.processId ?? null,
  state: body.state ?? null,
  status: kind === 'record' ? null : (body.status ?? 'OPEN'),
  attributes: body.attributes ?? {},
});

/** What a body changes of an object. */
export const patchOf = ({ attributes, state, status }: ObjectBody): ObjectPatch => ({ attributes, state, status });

/** Who did it, as a body names them. */
export const actorOf = ({ actor }: Pick<ObjectBody, 'actor'>): JsonObject | null => (actor as JsonObject | undefined) ?? null;
