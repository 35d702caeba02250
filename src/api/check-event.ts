import type { EventVerdict } from '../commands/catalogue';
import type { Json } from '../domain/json';
import { AppError, type FieldError } from '../errors';
import type { Steps } from '../json-schema/run';
import type { RouteContext } from './route';

/** What is wrong with an event that is taken nevertheless; none: it fits, or nobody asked. */
export type Warnings = readonly FieldError[];

/** Steps that the checks of all events of a batch may take together: at most some 400 ms. */
export const BATCH_STEPS = 4_000_000;

/**
 * Checks an event by the catalogue of the caller's workspace; null, at once, where that enforces nothing. Resolves to what
 * is to be warned of. @throws AppError 422 `schema_mismatch`.
 */
export function checkEvent({ caller, catalogues, deps }: RouteContext, type: string, data: Json, steps?: Steps): Promise<Warnings> | null {
  const verdict = catalogues.check(caller.workspaceId, type, data, steps);
  return verdict && verdict.then((found) => warningsOf(deps.metrics.api.schemaMistakes, type, found));
}

function warningsOf(counters: RouteContext['deps']['metrics']['api']['schemaMistakes'], type: string, verdict: EventVerdict | null): Warnings {
  if (!verdict || verdict.mistakes.length === 0) return [];
  const { enforce, mistakes } = verdict;
  counters[enforce].add();
  if (enforce === 'warn') return mistakes;
  const said = mistakes.slice(0, 5).map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new AppError('schema_mismatch', `The event does not fit the schema of "${type}": ${said}.`, mistakes);
}
