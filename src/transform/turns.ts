/** Whose an evaluation is. */
export interface Owner {
  readonly workspaceId: string;
  /** An endpoint's id, or what else it is for; no other workspace has the same. */
  readonly key: string;
}

/**
 * What waits for an evaluator. Of one key one runs at a time; the keys of a workspace take turns, and so do workspaces: the next
 * is of the one that has the fewest running, so that none has more than its share while another waits.
 */
export class Turns<T extends Owner> {
  /** By workspace and key, each in the order of their turns. */
  private readonly waiting = new Map<string, Map<string, readonly T[]>>();

  add(one: T): void {
    const lines = this.waiting.get(one.workspaceId) ?? new Map<string, readonly T[]>();
    this.waiting.set(one.workspaceId, lines.set(one.key, [...(lines.get(one.key) ?? []), one]));
  }

  /** Takes out one that waits no longer. */
  remove(one: T): void {
    const lines = this.waiting.get(one.workspaceId);
    const left = lines?.get(one.key)?.filter((other) => other !== one) ?? [];
    if (left.length > 0) lines?.set(one.key, left);
    else lines?.delete(one.key);
    if (lines?.size === 0) this.waiting.delete(one.workspaceId);
  }

  /** Takes out whose turn it is beside those that run; undefined: nobody's. */
  next(running: ReadonlySet<T>): T | undefined {
    let next: T | undefined;
    let fewest = Infinity;
    for (const [workspaceId, lines] of this.waiting) {
      const keys = new Set([...running].filter((one) => one.workspaceId === workspaceId).map(({ key }) => key));
      const first = keys.size < fewest ? firstBeside(lines, keys) : undefined;
      if (!first) continue;
      next = first;
      fewest = keys.size;
    }
    if (next) this.takeOut(next);
    return next;
  }

  /** Its key and its workspace have had their turns. */
  private takeOut(one: T): void {
    this.remove(one);
    const lines = this.waiting.get(one.workspaceId);
    if (!lines) return;
    moveToEnd(lines, one.key);
    moveToEnd(this.waiting, one.workspaceId);
  }
}

function firstBeside<T>(lines: ReadonlyMap<string, readonly T[]>, keys: ReadonlySet<string>): T | undefined {
  for (const [key, [first]] of lines) if (!keys.has(key)) return first;
  return undefined;
}

function moveToEnd<T>(map: Map<string, T>, key: string): void {
  const value = map.get(key);
  if (value !== undefined && map.delete(key)) map.set(key, value);
}
