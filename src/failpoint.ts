/** Places where a test may have the process die, as `kill -9` would. */
export type Failpoint = 'before-commit' | 'after-commit' | 'after-claim' | 'after-plan' | 'before-send' | 'after-response' | 'after-record' | 'after-start' | 'after-rekeyed-batch';

const [armed, countText, blockText] = process.env.NODE_ENV === 'test' ? (process.env.POSTHORN_FAILPOINT ?? '').split('@') : [];
let left = Number(countText ?? 1);

/**
 * Ends the process at the named place, at the given passage (`before-send@3`: the third); or keeps it from doing anything at all for
 * so many ms (`before-send@3@5000`). Does nothing outside of tests.
 */
export function failpoint(name: Failpoint): void {
  if (armed !== name) return;
  left -= 1;
  if (left !== 0) return;
  if (blockText === undefined) process.kill(process.pid, 'SIGKILL');
  const until = performance.now() + Number(blockText);
  while (performance.now() < until);
}

/** A time that only tests set, in ms; undefined outside of them. */
export function testMs(name: 'POSTHORN_RECONCILE_EVERY_MS'): number | undefined {
  const text = process.env.NODE_ENV === 'test' ? process.env[name] : undefined;
  return text === undefined ? undefined : Number(text);
}
