import { isJsonList, isJsonObject, jsonEqual, type Json } from '../domain/json';
import { canonical, codePoints } from './equal';
import type { Reader } from './reader';
import type { Check } from './run';

const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'] as const;
type TypeName = (typeof TYPES)[number];

const NOUNS: Readonly<Record<TypeName, string>> = {
  null: 'null', boolean: 'true or false', object: 'an object', array: 'a list', number: 'a number', string: 'a text', integer: 'a whole number',
};

const isOf: Readonly<Record<TypeName, (value: Json) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  object: isJsonObject,
  array: isJsonList,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
};

/** The checks of a schema's keywords that hold no other schemas (JSON Schema Validation 2020-12, section 6). */
export function plainChecks(reader: Reader): Check[] {
  return [typeCheck(reader), equalityCheck(reader), ...numberChecks(reader), ...textChecks(reader), ...sizeChecks(reader)]
    .filter((check) => check !== undefined);
}

function typeCheck(reader: Reader): Check | undefined {
  const given = reader.get('type');
  if (given === undefined) return undefined;
  const names = isJsonList(given) ? given : [given];
  const isKnown = names.length > 0 && names.every((name) => TYPES.includes(name as TypeName));
  if (!isKnown) return reader.wrong('type', `must be one of ${TYPES.join(', ')}, or a list of them`);
  const message = `must be ${names.map((name) => NOUNS[name as TypeName]).join(' or ')}`;
  return (value, at, run) => names.some((name) => isOf[name as TypeName](value)) || run.wrong(at, message);
}

function equalityCheck(reader: Reader): Check | undefined {
  const list = reader.has('enum') ? reader.list('enum') : undefined;
  const allowed = reader.has('const') ? [reader.get('const') as Json] : list;
  if (!allowed) return undefined;
  const plain = new Set<Json>(allowed.filter((one) => typeof one !== 'object' || one === null));
  const others = allowed.filter((one) => typeof one === 'object' && one !== null);
  const shown = allowed.slice(0, 10).map((one) => JSON.stringify(one)).join(', ');
  const message = allowed.length === 1 ? `must be ${shown}` : `must be one of ${shown}${allowed.length > 10 ? ', …' : ''}`;
  return (value, at, run) => {
    if (plain.has(value)) return true;
    if (typeof value !== 'object' || value === null || others.length === 0) return run.wrong(at, message);
    return others.some((other) => {
      // Comparing goes no further than the smaller of the two.
      canonicalSteps(other, () => run.take(1));
      return jsonEqual(other, value);
    }) || run.wrong(at, message);
  };
}

function canonicalSteps(value: Json, onValue: () => void): void {
  onValue();
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) canonicalSteps(inner, onValue);
}

function numberChecks(reader: Reader): (Check | undefined)[] {
  const of = (key: string, message: (limit: number) => string, fits: (value: number, limit: number) => boolean): Check | undefined => {
    const limit = reader.number(key);
    if (limit === undefined) return undefined;
    if (key === 'multipleOf' && limit <= 0) return reader.wrong(key, 'must be greater than 0');
    const said = message(limit);
    return (value, at, run) => typeof value !== 'number' || fits(value, limit) || run.wrong(at, said);
  };
  return [
    of('minimum', (limit) => `must be at least ${limit}`, (value, limit) => value >= limit),
    of('maximum', (limit) => `must be at most ${limit}`, (value, limit) => value <= limit),
    of('exclusiveMinimum', (limit) => `must be more than ${limit}`, (value, limit) => value > limit),
    of('exclusiveMaximum', (limit) => `must be less than ${limit}`, (value, limit) => value < limit),
    of('multipleOf', (limit) => `must be a multiple of ${limit}`, isMultiple),
  ];
}

/** 0.3 is a multiple of 0.1, although their quotient as doubles is none. */
function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Number.isInteger(quotient) || Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient)) && Math.abs(quotient) < 1e6;
}

function textChecks(reader: Reader): (Check | undefined)[] {
  const shortest = reader.count('minLength');
  const longest = reader.count('maxLength');
  const source = reader.get('pattern');
  if (source !== undefined && typeof source !== 'string') reader.wrong('pattern', 'must be a text');
  const pattern = typeof source === 'string' ? reader.pattern('pattern', source) : undefined;
  return [
    shortest === undefined ? undefined
      : (value, at, run) => typeof value !== 'string' || lengthOf(value, (n) => run.take(n)) >= shortest || run.wrong(at, `must have at least ${shortest} characters`),
    longest === undefined ? undefined
      : (value, at, run) => typeof value !== 'string' || lengthOf(value, (n) => run.take(n)) <= longest || run.wrong(at, `must have at most ${longest} characters`),
    pattern && ((value, at, run) => {
      if (typeof value !== 'string') return true;
      run.take(pattern.stepsFor(value));
      return pattern.test(value) || run.wrong(at, `must match the pattern ${pattern.source}`);
    }),
  ];
}

function lengthOf(text: string, take: (steps: number) => void): number {
  take(text.length >> 4);
  return codePoints(text);
}

function sizeChecks(reader: Reader): (Check | undefined)[] {
  const ofList = (key: string, fits: (length: number, limit: number) => boolean, words: string): Check | undefined => {
    const limit = reader.count(key);
    return limit === undefined ? undefined : (value, at, run) => !isJsonList(value) || fits(value.length, limit) || run.wrong(at, `must have ${words} ${limit} items`);
  };
  const ofObject = (key: string, fits: (length: number, limit: number) => boolean, words: string): Check | undefined => {
    const limit = reader.count(key);
    return limit === undefined ? undefined : (value, at, run) => {
      if (!isJsonObject(value)) return true;
      const { length } = Object.keys(value);
      run.take(length >> 2);
      return fits(length, limit) || run.wrong(at, `must have ${words} ${limit} keys`);
    };
  };
  return [
    ofList('minItems', (length, limit) => length >= limit, 'at least'), ofList('maxItems', (length, limit) => length <= limit, 'at most'),
    ofObject('minProperties', (length, limit) => length >= limit, 'at least'), ofObject('maxProperties', (length, limit) => length <= limit, 'at most'),
    uniqueCheck(reader), requiredCheck(reader), ...dependentChecks(reader),
  ];
}

function uniqueCheck(reader: Reader): Check | undefined {
  const given = reader.get('uniqueItems');
  if (given === undefined || given === false) return undefined;
  if (given !== true) return reader.wrong('uniqueItems', 'must be true or false');
  return (value, at, run) => {
    if (!isJsonList(value)) return true;
    const texts = new Set<string>();
    const twice = value.findIndex((item) => texts.size === texts.add(canonical(item, () => run.take(10))).size);
    return twice === -1 || run.wrong({ parent: at, key: twice }, 'stands there twice');
  };
}

function requiredCheck(reader: Reader): Check | undefined {
  const keys = reader.texts('required');
  return keys && ((value, at, run) => !isJsonObject(value) || hasAll(value, keys, at, run));
}

const hasAll = (value: { readonly [key: string]: Json }, keys: readonly string[], at: Parameters<Check>[1], run: Parameters<Check>[2]): boolean => {
  run.take(keys.length);
  const missing = keys.filter((key) => !Object.hasOwn(value, key));
  for (const key of missing) run.wrong({ parent: at, key }, 'must be given');
  return missing.length === 0;
};

function dependentChecks(reader: Reader): (Check | undefined)[] {
  const dependent = reader.object('dependentRequired');
  return Object.entries(dependent ?? {}).map(([key, keys]): Check | undefined => {
    if (!isJsonList(keys) || !keys.every((one) => typeof one === 'string')) return reader.wrong(`dependentRequired.${key}`, 'must be a list of texts');
    return (value, at, run) => !isJsonObject(value) || !Object.hasOwn(value, key) || hasAll(value, keys, at, run);
  });
}
