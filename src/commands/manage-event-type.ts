import type { Deps } from '../deps';
import { builtInType, type CataloguedType } from '../domain/event-catalogue';
import { AppError, invalid, notFound, type FieldError } from '../errors';
import { readSchema } from '../json-schema/schema';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import {
  archivedAmong, bumpCatalogue, countEventTypes, deleteEventType, findEventType, lockCatalogue, saveEventType, type EventTypeContent,
} from '../store/event-types';

/** Most types in the catalogue of one workspace. */
export const MAX_EVENT_TYPES = 1_000;
/** Most characters of an example as JSON. */
const MAX_EXAMPLE = 65_536;

/** Whose catalogue, and who changes it: a key's id or `root`. */
export interface CatalogueBy {
  readonly workspaceId: string;
  readonly actor: string;
}

/**
 * Puts a type into the catalogue, in the place of what stood there; `isNew` where nothing did.
 * @throws AppError 422 `invalid` for a built-in type, a schema that is none, an enforcement without a schema, an example that
 * does not fit; `limit_reached` at {@link MAX_EVENT_TYPES}.
 */
export async function putEventType(
  deps: Pick<Deps, 'newId'>, trx: Sql, by: CatalogueBy, content: EventTypeContent,
): Promise<{ readonly stored: CataloguedType; readonly isNew: boolean }> {
  requireOwn(content.type);
  requireSchema(content);
  await lockCatalogue(trx, by.workspaceId);
  const isNew = (await findEventType(trx, by.workspaceId, content.type)) === null;
  if (isNew && (await countEventTypes(trx, by.workspaceId)) >= MAX_EVENT_TYPES) {
    throw new AppError('limit_reached', `The catalogue has ${MAX_EVENT_TYPES} types, which is as many as it may. Delete some first.`);
  }
  const stored = await saveEventType(trx, by.workspaceId, content);
  const { enforce, archived } = content;
  await finish(deps, trx, by, isNew ? 'event-type.create' : 'event-type.update', content.type, { enforce, archived, hasSchema: content.schema !== null });
  return { stored, isNew };
}

/** Takes a type out of the catalogue; events of it are published as before there was one. @throws AppError 404; 422 for a built-in type. */
export async function removeEventType(deps: Pick<Deps, 'newId'>, trx: Sql, by: CatalogueBy, type: string): Promise<void> {
  requireOwn(type);
  await lockCatalogue(trx, by.workspaceId);
  if (!(await deleteEventType(trx, by.workspaceId, type))) throw notFound('event type', type);
  await finish(deps, trx, by, 'event-type.delete', type, {});
}

/**
 * Refuses names of archived types that a rule or an endpoint is to be owed anew; those that it names already may stay.
 * @throws AppError 422.
 */
export async function refuseArchived(sql: Sql, workspaceId: string, events: readonly string[], before: readonly string[] = []): Promise<void> {
  const archived = await archivedAmong(sql, workspaceId, events.filter((type) => !type.endsWith('*') && !before.includes(type)));
  if (archived.length === 0) return;
  throw new AppError('invalid', `events: can not name ${archived.join(', ')}: archived in the catalogue of event types.`, archived.map((type) => ({
    path: `events.${events.indexOf(type)}`, message: `"${type}" is archived in the catalogue of event types; what named it before may keep it`,
  })));
}

function requireOwn(type: string): void {
  if (builtInType(type)) throw invalid('type', `"${type}" is built in: its place in the catalogue can only be read`);
}

function requireSchema({ schema, enforce, example }: EventTypeContent): void {
  if (example !== undefined && JSON.stringify(example).length > MAX_EXAMPLE) throw invalid('example', `may have at most ${MAX_EXAMPLE} characters as JSON`);
  if (schema === null) {
    if (enforce !== 'off') throw invalid('enforce', `can not be "${enforce}" without a schema`);
    return;
  }
  const read = readSchema(schema);
  if ('mistakes' in read) throw refusal('The schema is none that can be used', read.mistakes.map(({ path, message }) => ({ path: path === '' ? 'schema' : `schema.${path}`, message })));
  const mistakes = example === undefined ? [] : read.schema.mistakes(example, 'example');
  if (mistakes.length > 0) throw refusal('The example does not fit the schema', mistakes);
}

const refusal = (what: string, mistakes: readonly FieldError[]): AppError =>
  new AppError('invalid', `${what}: ${mistakes.slice(0, 5).map(({ path, message }) => `${path} ${message}`).join('; ')}.`, mistakes);

async function finish(
  deps: Pick<Deps, 'newId'>, trx: Sql, by: CatalogueBy, action: string, type: string, detail: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  await addAudit(trx, { id: deps.newId('audit'), ...by, action, subjectId: type, detail });
  await bumpCatalogue(trx, by.workspaceId);
}
