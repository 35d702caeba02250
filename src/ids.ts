import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { formatId, type NewId } from './domain/ids';

/** Ids that sort in the order in which this process made them, also when its clock steps back. */
export function createNewId(): NewId {
  const next = monotonicFactory(createRandom());
  return (kind) => formatId(kind, next());
}

const POOL_BYTES = 4_096;

/** Numbers from 0 up to 1 in steps of 1/256 (ULID needs 1/32), drawn in bulk: the library's own asks the system for each of 16. */
function createRandom(): () => number {
  let pool = randomBytes(POOL_BYTES);
  let used = 0;
  return () => {
    if (used === POOL_BYTES) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    return (pool[used++] ?? 0) / 256;
  };
}
