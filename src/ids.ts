import { monotonicFactory } from 'ulid';
import { formatId, type NewId } from './domain/ids';

/** Ids that sort in the order in which this process made them, also when its clock steps back. */
export function createNewId(): NewId {
  const next = monotonicFactory();
  return (kind) => formatId(kind, next());
}
