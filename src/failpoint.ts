/** Places where a test may have the process die, as `kill -9` would. */
export type Failpoint = 'after-commit' | 'after-claim' | 'after-plan' | 'before-send' | 'after-response' | 'after-record' | 'after-start' | 'after-rekeyed-batch';

const [armed, countText] = process.env.NODE_ENV === 'test' ? (process.env.POSTHORN_FAILPOINT ?? '').split('@') : [];
let left = Number(countText ?? 1);

/** Ends the process at the named place, at the given passage (`before-send@3`: the third). Does nothing outside of tests. */
export function failpoint(name: Failpoint): void {
  if (armed !== name) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

/** A time that only tests set, in ms; undefined outside of them. */
export function testMs(name: 'POSTHORN_RECONCILE_EVERY_MS'): number | undefined {
  const text = process.env.NODE_ENV === 'test' ? process.env[name] : undefined;
  return text === undefined ? undefined : Number(text);
}
