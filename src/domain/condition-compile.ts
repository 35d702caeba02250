import { elementReader, factReader, type Reader } from './condition-path';
import { equals, type Test, VALUE_OPERATORS } from './condition-operators';
import { isOperators, isValueTest } from './condition-shape';
import type { Facts } from './facts';
import { isJsonList, type Json, type JsonObject } from './json';

/** Whether something, an event's facts or a list's element, matches a query. */
export type Matches<S> = (subject: S) => boolean;

/** Makes the function that says whether an event matches a checked condition. Throws a TypeError at an operator that there is not. */
export const compileCondition = (condition: JsonObject): Matches<Facts> => compileQuery(condition, factReader);

/** The same over anything that paths can be read of. */
export function compileQuery<S>(query: JsonObject, readerOf: (path: string) => Reader<S>): Matches<S> {
  return all(Object.entries(query).map(([key, value]) => compileEntry(key, value, readerOf)));
}

/** One key of a query with what stands under it. */
export function compileEntry<S>(key: string, value: Json, readerOf: (path: string) => Reader<S>): Matches<S> {
  const clauses = (): Matches<S>[] => (value as readonly JsonObject[]).map((clause) => compileQuery(clause, readerOf));
  switch (key) {
    case '$and': return all(clauses());
    case '$or': return any(clauses());
    case '$nor': return negate(any(clauses()));
    case '$not': return negate(compileQuery(value as JsonObject, readerOf));
  }
  if (key.startsWith('$')) throw unknownOperator(key);
  const read = readerOf(key);
  const test = compileTest(value);
  return (subject) => test(read(subject));
}

/** What stands after a path: a value to be equal to, or operators that all must hold. */
export function compileTest(test: Json): Test {
  if (!isOperators(test)) return equals(test);
  return all(Object.entries(test).map(([key, operand]) => compileOperator(key, operand)));
}

/** One operator with its operand. */
export function compileOperator(key: string, operand: Json): Test {
  if (key === '$not') return negate(compileTest(operand));
  if (key === '$elemMatch') {
    const matches: Matches<Json> = isValueTest(operand) ? compileTest(operand) : compileQuery(operand as JsonObject, elementReader);
    return (value) => isJsonList(value) && value.some((element) => matches(element));
  }
  const operator = Object.hasOwn(VALUE_OPERATORS, key) ? VALUE_OPERATORS[key] : undefined;
  if (!operator) throw unknownOperator(key);
  return operator.test(operand);
}

const unknownOperator = (key: string): TypeError => new TypeError(`"${key}" is no operator of a condition`);

const negate = <S>(matches: Matches<S>): Matches<S> => (subject) => !matches(subject);
const any = <S>(parts: readonly Matches<S>[]): Matches<S> => (subject) => parts.some((part) => part(subject));

// One key is by far the most common condition: it is its own function.
function all<S>(parts: readonly Matches<S>[]): Matches<S> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  return (subject) => {
    for (const part of parts) if (!part(subject)) return false;
    return true;
  };
}
