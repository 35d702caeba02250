import type { FieldError } from '../errors';
import type { Json } from '../domain/json';

/** Where in a value a check is: its key in what is around it; null for the value itself. */
export type Place = { readonly parent: Place; readonly key: string | number } | null;

/** Whether a value fits one schema. Tells the run what is wrong where it asks for that, and `seen` what it has looked at. */
export type Check = (value: Json, at: Place, run: Run, seen: Seen | null) => boolean;

/** Most mistakes that are told of one value. */
const MOST_MISTAKES = 20;
/** Schemas that may be under evaluation within one another: a schema that refers to itself must end. */
const MOST_WITHIN = 300;

/** Steps that may be taken, shared by all values of one request. A step takes some 20 to 100 ns. */
export interface Steps {
  left: number;
}

/** Thrown where a check takes more steps than it may: how many that is depends on schema and value alone, never on the time. */
export class TooMuchWork extends Error {
  override readonly name = 'TooMuchWork';
}

/** One check of one value. */
export class Run {
  /** Null while only the answer counts, not what is wrong: within `anyOf`, `not`, and the like. */
  mistakes: FieldError[] | null = [];
  private within = 0;

  /** `own` is what this value may take at most, whatever is left of the steps of all. */
  constructor(private readonly steps: Steps, private own: number, private readonly root: string) {}

  /** @throws TooMuchWork. */
  take(steps: number): void {
    this.own -= steps;
    this.steps.left -= steps;
    if (this.own < 0 || this.steps.left < 0) throw new TooMuchWork();
  }

  /** @throws TooMuchWork where schemas refer to one another without end. */
  enter(): void {
    this.take(2);
    if (++this.within > MOST_WITHIN) throw new TooMuchWork();
  }

  leave(): void {
    this.within -= 1;
  }

  /** Notes a mistake; answers false, as the check does that found it. */
  wrong(at: Place, message: string): false {
    if (this.mistakes && this.mistakes.length < MOST_MISTAKES) this.mistakes.push({ path: this.pathOf(at), message });
    return false;
  }

  /** Whether a check that has found a mistake goes on to find more. */
  goesOn(): boolean {
    return this.mistakes !== null && this.mistakes.length < MOST_MISTAKES;
  }

  /** Does not note what is wrong meanwhile. */
  quietly(check: () => boolean): boolean {
    const { mistakes } = this;
    this.mistakes = null;
    try {
      return check();
    } finally {
      this.mistakes = mistakes;
    }
  }

  private pathOf(at: Place): string {
    const keys: (string | number)[] = [];
    for (let place = at; place !== null; place = place.parent) keys.push(place.key);
    return [this.root, ...keys.reverse()].join('.');
  }
}

/** What of an object or a list some schema has looked at: for `unevaluatedProperties` and `unevaluatedItems`. */
export class Seen {
  readonly keys = new Set<string>();
  readonly items = new Set<number>();

  add(other: Seen): void {
    for (const key of other.keys) this.keys.add(key);
    for (const item of other.items) this.items.add(item);
  }
}
