import type { FieldError } from '../errors';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../domain/json';
import { leftoverChecks, nestedChecks } from './nested-keywords';
import { plainChecks } from './plain-keywords';
import { Reader } from './reader';
import { Run, Seen, TooMuchWork, type Check, type Steps } from './run';

/** A schema that values can be checked by. */
export interface Schema {
  /**
   * What is wrong with a value, with paths that begin with `root`; `[]` where it fits. A value that would take more than
   * {@link MOST_STEPS} steps, or more than are left of `steps`, does not fit: the same value always fits or never does.
   */
  mistakes(value: Json, root: string, steps?: Steps): FieldError[];
}

/** Steps that the check of one value may take: at most some 40 ms. */
export const MOST_STEPS = 400_000;
/** Most schemas within a schema. */
const MOST_SCHEMAS = 5_000;
/** Most characters of a schema, as JSON. */
export const MOST_CHARACTERS = 65_536;
/** Most mistakes that are told of a schema. */
const MOST_MISTAKES = 50;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** Keywords that would be read over if they were not refused. */
const REFUSED: Readonly<Record<string, string>> = {
  $dynamicRef: 'is not understood; use $ref', $dynamicAnchor: 'is not understood; use $anchor', $recursiveRef: 'is of an older draft; use $ref',
  $vocabulary: 'is not understood', dependencies: 'is of an older draft; use dependentRequired or dependentSchemas',
  additionalItems: 'is of an older draft; use items beside prefixItems',
};

/**
 * Reads a JSON Schema 2020-12 that a stranger may have written: nothing is fetched, no code is made of it, patterns take
 * linear time. `format` only tells people something, as the standard has it. Not understood: `$dynamicRef`, `$id` within
 * the schema, and references to what is not in it. Answers all mistakes where there are any.
 */
export function readSchema(schema: Json): { readonly schema: Schema } | { readonly mistakes: readonly FieldError[] } {
  if (JSON.stringify(schema).length > MOST_CHARACTERS) return { mistakes: [{ path: '', message: `may have at most ${MOST_CHARACTERS} characters as JSON` }] };
  const mistakes: FieldError[] = [];
  const check = new Builder(schema, mistakes).build();
  if (mistakes.length > 0) return { mistakes: mistakes.slice(0, MOST_MISTAKES) };
  return { schema: { mistakes: (value, root, steps = { left: MOST_STEPS }) => mistakesOf(check, value, root, steps) } };
}

function mistakesOf(check: Check, value: Json, root: string, steps: Steps): FieldError[] {
  const run = new Run(steps, MOST_STEPS, root);
  try {
    return check(value, null, run, null) ? [] : (run.mistakes ?? []);
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error;
    return [{ path: root, message: 'would take too much work to check: make it smaller, send fewer at once, or make the schema simpler' }];
  }
}

/** Makes checks of schemas; a schema that is referred to from several places is made once. */
class Builder {
  private readonly built = new Map<Json, Check>();
  private readonly anchors = new Map<string, Json>();
  private count = 0;

  constructor(private readonly root: Json, private readonly mistakes: FieldError[]) {
    this.findAnchors(root);
  }

  build(): Check {
    return this.check(this.root, '');
  }

  private check(schema: Json, path: string): Check {
    if (typeof schema === 'boolean') return schema ? () => true : (_, at, run) => run.wrong(at, 'is not allowed here');
    if (!isJsonObject(schema)) return this.wrong(path, 'must be a schema: an object, true or false');
    const known = this.built.get(schema);
    if (known) return known;
    this.count += 1;
    if (this.count === MOST_SCHEMAS) return this.wrong(path, `is one schema too many: there may be ${MOST_SCHEMAS}`);
    if (this.count > MOST_SCHEMAS) return () => false;
    // It may refer to itself: whoever asks meanwhile gets a check that asks the one that is being made.
    let made: Check = () => true;
    this.built.set(schema, (value, at, run, seen) => made(value, at, run, seen));
    made = this.make(schema, path);
    this.built.set(schema, made);
    return made;
  }

  private make(schema: JsonObject, path: string): Check {
    const reader = new Reader(schema, path, (inner, at) => this.check(inner, at), this.mistakes);
    for (const [key, message] of Object.entries(REFUSED)) if (reader.has(key)) reader.wrong(key, message);
    const draft = reader.get('$schema');
    if (draft !== undefined && String(draft).replace(/#$/, '') !== DRAFT) reader.wrong('$schema', `must be ${DRAFT}, or left out`);
    if (reader.has('$id') && path !== '') reader.wrong('$id', 'may stand at the top alone');
    reader.parts('$defs');
    const referred = this.referred(reader);
    const before = [...plainChecks(reader), ...(referred ? [referred] : []), ...nestedChecks(reader)];
    const after = leftoverChecks(reader);
    return after.length === 0 ? together(before) : withLeftover(before, after);
  }

  private referred(reader: Reader): Check | undefined {
    const ref = reader.get('$ref');
    if (ref === undefined) return undefined;
    if (typeof ref !== 'string' || !ref.startsWith('#')) return reader.wrong('$ref', 'must begin with "#": schemas elsewhere are not read');
    const target = this.find(ref.slice(1));
    return target === undefined ? reader.wrong('$ref', 'refers to nothing in this schema') : this.check(target, ref);
  }

  private find(fragment: string): Json | undefined {
    if (fragment === '') return this.root;
    if (!fragment.startsWith('/')) return this.anchors.get(fragment);
    let found: Json | undefined = this.root;
    for (const part of fragment.slice(1).split('/')) {
      const key = unescaped(part);
      found = (isJsonObject(found) || isJsonList(found)) && Object.hasOwn(found, key) ? (found as JsonObject)[key] : undefined;
    }
    return found;
  }

  private findAnchors(value: Json): void {
    if (isJsonList(value)) return value.forEach((item) => this.findAnchors(item));
    if (!isJsonObject(value)) return;
    const anchor = value['$anchor'];
    if (typeof anchor === 'string') this.anchors.set(anchor, value);
    for (const [key, inner] of Object.entries(value)) if (!['const', 'enum', 'default', 'examples'].includes(key)) this.findAnchors(inner);
  }

  private wrong(path: string, message: string): Check {
    this.mistakes.push({ path, message });
    return () => false;
  }
}

/** A part of a JSON pointer in a URI's fragment (RFC 6901, section 6). */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part;
  }
}

const together = (checks: readonly Check[]): Check => (value, at, run, seen) => {
  run.enter();
  let fits = true;
  for (const check of checks) {
    run.take(1);
    if (check(value, at, run, seen)) continue;
    fits = false;
    if (!run.goesOn()) break;
  }
  run.leave();
  return fits;
};

/** What no keyword has looked at is only known when all the others have run. */
const withLeftover = (before: readonly Check[], after: readonly Check[]): Check => {
  const [first, last] = [together(before), together(after)];
  return (value, at, run, seen) => {
    const own = new Seen();
    const fits = first(value, at, run, own) && last(value, at, run, own);
    if (fits) seen?.add(own);
    return fits;
  };
};
