import type { BuiltInType, CataloguedType } from '../domain/event-catalogue';
import type { Json } from '../domain/json';
import { sampleOf } from '../json-schema/sample';

/** A type of the workspace's own as the API shows it. */
export const presentEventType = (one: CataloguedType) => ({
  type: one.type,
  kind: 'custom' as const,
  dialects: null,
  description: one.description,
  schema: one.schema,
  enforce: one.enforce,
  ...(one.example !== undefined && { example: one.example }),
  archived: one.archived,
  createdAt: one.createdAt.toISOString(),
  updatedAt: one.updatedAt.toISOString(),
});

/** A built-in type, in the same shape. */
export const presentBuiltIn = ({ type, kind, dialects, description, schema, example }: BuiltInType) =>
  ({ type, kind, dialects, description, schema, enforce: 'off' as const, example, archived: false, createdAt: null, updatedAt: null });

/** What an event of a built-in type may hold. */
export const sampleOfBuiltIn = ({ example }: BuiltInType): Json => example;

/** The same of a type of the workspace's own: its example, else one that is made from its schema; undefined where none can be. */
export const sampleOfType = ({ example, schema }: CataloguedType): Json | undefined =>
  example !== undefined ? example : schema === null ? undefined : sampleOf(schema);
