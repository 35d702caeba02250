import type { Matches } from './condition-compile';
import { factReader, type Reader } from './condition-path';
import { type Pivot, type Plain, plainValues } from './condition-pivot';
import type { Facts } from './facts';

/** One condition of a rule set, whoever and how many use it. */
export interface Condition {
  /** What it was made from, as JSON text. */
  readonly text: string;
  readonly pivots: readonly Pivot[];
  readonly matches: Matches<Facts>;
}

/** The endpoints that are owed what matches a condition. */
export interface Clause {
  readonly condition: Condition;
  readonly endpointIds: Iterable<string>;
}

interface Shelf {
  readonly read: Reader<Facts>;
  readonly byValue: Map<Plain, Clause[]>;
}

/**
 * Finds the clauses that may match an event without asking each of them: a clause that wants `state` to be `CONVERTED`
 * is only looked at when it is. Of several such equalities the one that fewest clauses share is the clause's place.
 */
export class ClauseIndex {
  readonly #shelves = new Map<string, Shelf>();
  readonly #unshelved: Clause[] = [];

  constructor(clauses: readonly Clause[]) {
    const shared = countShared(clauses);
    for (const clause of clauses) {
      const pivot = leastShared(clause.condition.pivots, shared);
      if (pivot) this.#shelve(clause, pivot);
      else this.#unshelved.push(clause);
    }
  }

  /** All clauses whose conditions match, and few others; one may be there twice. */
  candidates(facts: Facts): Clause[] {
    const found = [...this.#unshelved];
    for (const { read, byValue } of this.#shelves.values()) {
      for (const value of plainValues(read(facts))) found.push(...(byValue.get(value) ?? []));
    }
    return found;
  }

  #shelve(clause: Clause, { path, values }: Pivot): void {
    const shelf = this.#shelves.get(path) ?? { read: factReader(path), byValue: new Map<Plain, Clause[]>() };
    this.#shelves.set(path, shelf);
    for (const value of values) {
      const clauses = shelf.byValue.get(value);
      if (clauses) clauses.push(clause);
      else shelf.byValue.set(value, [clause]);
    }
  }
}

type Shared = Map<string, Map<Plain, number>>;

function countShared(clauses: readonly Clause[]): Shared {
  const shared: Shared = new Map();
  for (const { condition } of clauses) {
    for (const { path, values } of condition.pivots) {
      const byValue = shared.get(path) ?? new Map<Plain, number>();
      shared.set(path, byValue);
      for (const value of values) byValue.set(value, (byValue.get(value) ?? 0) + 1);
    }
  }
  return shared;
}

function leastShared(pivots: readonly Pivot[], shared: Shared): Pivot | undefined {
  let best: Pivot | undefined;
  let least = Infinity;
  for (const pivot of pivots) {
    const byValue = shared.get(pivot.path);
    let cost = 0;
    for (const value of pivot.values) cost += byValue?.get(value) ?? 0;
    if (cost < least) [best, least] = [pivot, cost];
  }
  return best;
}
