import { isJsonList, isJsonObject, type JsonObject } from '../domain/json';
import type { Reader } from './reader';
import { Seen, type Check, type Place, type Run } from './run';

/** The checks of a schema's keywords that hold other schemas (JSON Schema Core 2020-12, section 10), in the order in which they must run. */
export function nestedChecks(reader: Reader): Check[] {
  return [propertyCheck(reader), namesCheck(reader), itemCheck(reader), containsCheck(reader), ...logicChecks(reader), ...dependentChecks(reader)]
    .filter((check) => check !== undefined);
}

/** The checks of what no other keyword of the schema has looked at: they run last (section 11). */
export function leftoverChecks(reader: Reader): Check[] {
  const keys = reader.check('unevaluatedProperties');
  const items = reader.check('unevaluatedItems');
  const ofKeys: Check | undefined = keys && ((value, at, run, seen) =>
    !isJsonObject(value) || all(Object.keys(value).filter((key) => !seen?.keys.has(key)), run, (key) => {
      seen?.keys.add(key);
      return keys(value[key] ?? null, { parent: at, key }, run, null);
    }));
  const ofItems: Check | undefined = items && ((value, at, run, seen) =>
    !isJsonList(value) || all([...value.keys()].filter((n) => !seen?.items.has(n)), run, (n) => {
      seen?.items.add(n);
      return items(value[n] ?? null, { parent: at, key: n }, run, null);
    }));
  return [ofKeys, ofItems].filter((check) => check !== undefined);
}

/** Whether all fit; goes on after one that does not, as far as the run wants to know of more. */
function all<T>(list: readonly T[], run: Run, fits: (one: T) => boolean): boolean {
  let isFit = true;
  for (const one of list) {
    run.take(1);
    if (fits(one)) continue;
    isFit = false;
    if (!run.goesOn()) return false;
  }
  return isFit;
}

function propertyCheck(reader: Reader): Check | undefined {
  const properties = new Map(reader.parts('properties'));
  const patterns = (reader.parts('patternProperties') ?? []).flatMap(([source, check]) => {
    const pattern = reader.pattern(`patternProperties.${source}`, source);
    return pattern ? [{ pattern, check }] : [];
  });
  const others = reader.check('additionalProperties');
  if (!reader.has('properties') && patterns.length === 0 && !others) return undefined;
  const known = [...properties.keys()];
  const unknown = known.length > 0 && patterns.length === 0 ? `is not known here; known are ${known.slice(0, 30).join(', ')}` : 'is not known here';
  const isClosed = reader.get('additionalProperties') === false;

  function checksOf(key: string, run: Run): readonly Check[] {
    const own = properties.get(key);
    const matching = patterns.filter(({ pattern }) => {
      run.take(pattern.stepsFor(key));
      return pattern.test(key);
    }).map(({ check }) => check);
    if (own) return [own, ...matching];
    return matching.length === 0 && others ? [others] : matching;
  }
  const ofKey = (value: JsonObject, key: string, at: Place, run: Run, seen: Seen | null): boolean => {
    const checks = checksOf(key, run);
    if (checks.length === 0) return true;
    seen?.keys.add(key);
    const here = { parent: at, key };
    if (isClosed && checks[0] === others) return run.wrong(here, unknown);
    return all(checks, run, (check) => check(value[key] ?? null, here, run, null));
  };
  return (value, at, run, seen) => !isJsonObject(value) || all(Object.keys(value), run, (key) => ofKey(value, key, at, run, seen));
}

function namesCheck(reader: Reader): Check | undefined {
  const names = reader.check('propertyNames');
  return names && ((value, at, run) => !isJsonObject(value) || all(Object.keys(value), run, (key) =>
    run.quietly(() => names(key, at, run, null)) || run.wrong({ parent: at, key }, 'is not allowed as a key')));
}

function itemCheck(reader: Reader): Check | undefined {
  if (isJsonList(reader.get('items'))) return reader.wrong('items', 'must be a schema; a list of them is prefixItems since 2020-12');
  const first = reader.checks('prefixItems') ?? [];
  const rest = reader.check('items');
  if (first.length === 0 && !rest) return undefined;
  return (value, at, run, seen) => !isJsonList(value) || all([...value.keys()], run, (n) => {
    const check = first[n] ?? rest;
    if (!check) return true;
    seen?.items.add(n);
    return check(value[n] ?? null, { parent: at, key: n }, run, null);
  });
}

function containsCheck(reader: Reader): Check | undefined {
  const contains = reader.check('contains');
  const fewest = reader.count('minContains') ?? 1;
  const most = reader.count('maxContains') ?? Infinity;
  const wanted = most === Infinity ? `at least ${fewest}` : `${fewest} to ${most}`;
  return contains && ((value, at, run, seen) => {
    if (!isJsonList(value)) return true;
    const fitting = [...value.keys()].filter((n) => run.quietly(() => contains(value[n] ?? null, at, run, null)));
    for (const n of fitting) seen?.items.add(n);
    return (fitting.length >= fewest && fitting.length <= most) || run.wrong(at, `must hold ${wanted} of what "contains" asks for, not ${fitting.length}`);
  });
}

/** A check that may fail without harm: what it has looked at counts only where it does not. */
function tries(check: Check, value: Parameters<Check>[0], at: Place, run: Run, seen: Seen | null): boolean {
  run.take(3);
  const own = seen && new Seen();
  const fits = run.quietly(() => check(value, at, run, own));
  if (fits && own) seen?.add(own);
  return fits;
}

function logicChecks(reader: Reader): (Check | undefined)[] {
  const allOf = reader.checks('allOf');
  const anyOf = reader.checks('anyOf');
  const oneOf = reader.checks('oneOf');
  const not = reader.check('not');
  const [condition, then, otherwise] = [reader.check('if'), reader.check('then'), reader.check('else')];
  return [
    allOf && ((value, at, run, seen) => all(allOf, run, (check) => check(value, at, run, seen))),
    anyOf && ((value, at, run, seen) => {
      // With `seen` all that fit count, else the first is enough.
      const fits = seen ? anyOf.filter((check) => tries(check, value, at, run, seen)).length > 0 : anyOf.some((check) => tries(check, value, at, run, null));
      return fits || run.wrong(at, `must fit one of the ${anyOf.length} schemas of anyOf`);
    }),
    oneOf && ((value, at, run, seen) => {
      const count = oneOf.filter((check) => tries(check, value, at, run, seen)).length;
      return count === 1 || run.wrong(at, `must fit exactly one of the ${oneOf.length} schemas of oneOf, not ${count}`);
    }),
    not && ((value, at, run) => !run.quietly(() => not(value, at, run, null)) || run.wrong(at, 'must not fit the schema of "not"')),
    condition && ((value, at, run, seen) => {
      const next = tries(condition, value, at, run, seen) ? then : otherwise;
      return next ? next(value, at, run, seen) : true;
    }),
  ];
}

function dependentChecks(reader: Reader): Check[] {
  return (reader.parts('dependentSchemas') ?? []).map(([key, check]): Check =>
    (value, at, run, seen) => !isJsonObject(value) || !Object.hasOwn(value, key) || check(value, at, run, seen));
}
