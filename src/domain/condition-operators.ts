import { isJsonList, isJsonObject, jsonEqual, type Json } from './json';

/** Whether one value passes; undefined is a missing key. */
export type Test = (value: Json | undefined) => boolean;

/** An operator that asks something of one value. */
export interface ValueOperator {
  /** What its operand must be, for people; null where this operand is right. */
  check(operand: unknown): string | null;
  /** The test; its operand has been checked. */
  test(operand: Json): Test;
}

/** Most values of `$in`, `$nin` and `$all`. */
export const MAX_LIST = 1_000;

/** Whether a value is one that JSON can write: a number read from `1e999` is not. */
export function isLiteral(value: unknown): value is Json {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  return typeof value === 'object' && Object.values(value).every(isLiteral);
}

/** The test for equality: the value, or one element of it where it is a list. Objects and lists are compared in depth. */
export function equals(wanted: Json): Test {
  if (typeof wanted === 'object' && wanted !== null) {
    return (value) => jsonEqual(value, wanted) || (isJsonList(value) && value.some((element) => jsonEqual(element, wanted)));
  }
  return (value) => value === wanted || (isJsonList(value) && value.includes(wanted));
}

function isOneOf(wanted: readonly Json[]): Test {
  const plain = new Set(wanted.filter((value) => !isJsonObject(value) && !isJsonList(value)));
  const deep = wanted.filter((value) => !plain.has(value)).map(equals);
  return (value) =>
    value !== undefined
    && (plain.has(value) || (isJsonList(value) && value.some((element) => plain.has(element))) || deep.some((test) => test(value)));
}

/** The value itself or, where it is a list, one of its elements. */
const some = (test: Test): Test => (value) => (isJsonList(value) ? value.some(test) : test(value));
const not = (test: Test): Test => (value) => !test(value);

const anyJson = (operand: unknown): string | null => (isLiteral(operand) ? null : 'wants a JSON value');
const text = (operand: unknown): string | null => (typeof operand === 'string' ? null : 'wants a text');
const list = (operand: unknown): string | null => {
  if (!Array.isArray(operand)) return 'wants a list of values';
  if (operand.length > MAX_LIST) return `wants at most ${MAX_LIST} values, this list has ${operand.length}`;
  return operand.every(isLiteral) ? null : 'wants a list of JSON values';
};

const ordering = (holds: (value: string | number, limit: string | number) => boolean): ValueOperator => ({
  check: (operand) => (typeof operand === 'string' || (typeof operand === 'number' && Number.isFinite(operand)) ? null : 'wants a number or a text'),
  test: (limit) => some((value) =>
    (typeof value === 'number' && typeof limit === 'number' && holds(value, limit))
    || (typeof value === 'string' && typeof limit === 'string' && holds(value, limit))),
});

const onText = (holds: (value: string, part: string) => boolean): ValueOperator => ({
  check: text,
  test: (part) => some((value) => typeof value === 'string' && holds(value, part as string)),
});

/** The operators of one value (product.md, "Rules"); `$not` and `$elemMatch`, which hold tests themselves, are not among them. */
export const VALUE_OPERATORS: Readonly<Record<string, ValueOperator>> = {
  $eq: { check: anyJson, test: equals },
  $ne: { check: anyJson, test: (wanted) => not(equals(wanted)) },
  $gt: ordering((value, limit) => value > limit),
  $gte: ordering((value, limit) => value >= limit),
  $lt: ordering((value, limit) => value < limit),
  $lte: ordering((value, limit) => value <= limit),
  $in: { check: list, test: (wanted) => isOneOf(wanted as readonly Json[]) },
  $nin: { check: list, test: (wanted) => not(isOneOf(wanted as readonly Json[])) },
  $exists: {
    check: (operand) => (typeof operand === 'boolean' ? null : 'wants true or false'),
    test: (wanted) => (value) => (value !== undefined) === wanted,
  },
  $startsWith: onText((value, part) => value.startsWith(part)),
  $endsWith: onText((value, part) => value.endsWith(part)),
  $contains: {
    check: anyJson,
    test: (part) => (value) =>
      isJsonList(value)
        ? value.some((element) => jsonEqual(element, part))
        : typeof value === 'string' && typeof part === 'string' && value.includes(part),
  },
  $all: {
    check: (operand) => list(operand) ?? ((operand as readonly unknown[]).length === 0 ? 'wants at least one value' : null),
    test: (wanted) => {
      const tests = (wanted as readonly Json[]).map(equals);
      return (value) => tests.every((test) => test(value));
    },
  },
  $size: {
    check: (operand) => (Number.isSafeInteger(operand) && (operand as number) >= 0 ? null : 'wants a whole number from 0'),
    test: (size) => (value) => isJsonList(value) && value.length === size,
  },
};
