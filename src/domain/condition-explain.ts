import { compileCondition, compileEntry, compileOperator } from './condition-compile';
import { factReader } from './condition-path';
import { isOperators } from './condition-shape';
import type { Facts } from './facts';
import { isJsonList, isJsonObject, type Json, type JsonObject } from './json';

/** Longest explanation, in characters; a value within it is cut at {@link VALUE_LENGTH}. */
const EXPLANATION_LENGTH = 600;
const VALUE_LENGTH = 80;

/**
 * Why an event matches a checked condition or does not, for people: the first path that failed, what was seen there and
 * what was wanted. `state is "OPEN", wanted "CONVERTED"`. At most 600 characters.
 */
export function explainCondition(condition: JsonObject, facts: Facts): string {
  if (Object.keys(condition).length === 0) return 'an empty condition matches every event of the rule\'s types';
  return cut(compileCondition(condition)(facts) ? `matches: ${whyMatched(condition, facts)}` : whyNot(condition, facts), EXPLANATION_LENGTH);
}

const whyMatched = (query: JsonObject, facts: Facts): string =>
  Object.keys(query).map((key) => (key.startsWith('$') ? `${key} holds` : `${key} is ${seen(key, facts)}`)).join(', ') || 'it is empty';

function whyNot(query: JsonObject, facts: Facts): string {
  const failed = Object.entries(query).find(([key, value]) => !compileEntry(key, value, factReader)(facts));
  if (!failed) return 'it holds';
  const [key, value] = failed;
  if (key === '$not') return `the condition of $not holds, and it must not: ${whyMatched(value as JsonObject, facts)}`;
  if (!key.startsWith('$')) return whyNotAt(key, value, facts);
  const clauses = value as readonly JsonObject[];
  switch (key) {
    case '$and': return whyNot(clauses.find((clause) => !compileCondition(clause)(facts)) ?? {}, facts);
    case '$or': return `none of $or holds: ${clauses.map((clause, index) => `(${index}) ${whyNot(clause, facts)}`).join('; ')}`;
    default: {
      const index = clauses.findIndex((clause) => compileCondition(clause)(facts));
      return `condition ${index} of ${key} holds, and none may: ${whyMatched(clauses[index] ?? {}, facts)}`;
    }
  }
}

function whyNotAt(path: string, test: Json, facts: Facts): string {
  const value = factReader(path)(facts);
  const [operator, operand] = isOperators(test)
    ? Object.entries(test).find(([key, wanted]) => !compileOperator(key, wanted)(value)) ?? ['', test]
    : ['', test];
  const wanted = operator === '' || operator === '$eq' ? show(operand) : `${operator} ${show(operand)}`;
  return `${path} is ${seen(path, facts)}, wanted ${wanted}${hint(path, value, operand, facts)}`;
}

const seen = (path: string, facts: Facts): string => {
  const value = factReader(path)(facts);
  return value === undefined ? 'missing' : show(value);
};

// The two surprises that people bring from elsewhere: lists are not walked through, and "5" is not 5.
function hint(path: string, value: Json | undefined, operand: Json, facts: Facts): string {
  if (value === undefined) {
    const list = parents(path).find((parent) => isJsonList(factReader(parent)(facts)));
    return list ? ` (${list} is a list: name an index, or use $elemMatch)` : '';
  }
  const kinds = [kindOf(value), kindOf(operand)];
  return kinds.includes('text') && kinds.includes('number') ? ` (a ${kinds[0]} never equals or orders with a ${kinds[1]})` : '';
}

function parents(path: string): string[] {
  const segments = path.split('.');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('.'));
}

function kindOf(value: Json): 'text' | 'number' | 'other' {
  if (typeof value === 'string') return 'text';
  return typeof value === 'number' ? 'number' : 'other';
}

// A list or an object is written no further than what can be shown of it: it may be as large as an event.
function show(value: Json): string {
  if (isJsonList(value) && value.length > VALUE_LENGTH) return cut(JSON.stringify(value.slice(0, VALUE_LENGTH)), VALUE_LENGTH);
  if (isJsonObject(value)) return cut(JSON.stringify(Object.fromEntries(Object.entries(value).slice(0, VALUE_LENGTH))), VALUE_LENGTH);
  return cut(JSON.stringify(value), VALUE_LENGTH);
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 3)}...` : text);
