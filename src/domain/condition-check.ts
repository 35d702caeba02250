import { isOperators, isValueTest, LOGICAL } from './condition-shape';
import { isLiteral, VALUE_OPERATORS } from './condition-operators';
import { checkElementPath, checkFactPath } from './condition-path';
import { isJsonObject } from './json';

/** One mistake in a condition: where it is (`condition.state.$gtt`), and what was wrong and what is allowed. */
export interface ConditionMistake {
  readonly path: string;
  readonly message: string;
}

/** Limits of one condition: levels of nesting, keys (paths and operators), and characters of its JSON text. */
export const CONDITION_LIMITS = { depth: 16, nodes: 200, characters: 16_384 } as const;

const TEST_OPERATORS = [...Object.keys(VALUE_OPERATORS), '$not', '$elemMatch'].join(', ');
const QUERY_OPERATORS = LOGICAL.join(', ');

/**
 * Every mistake of a condition, in its order; none means that it can be compiled. Never throws, whatever it is given.
 * A condition beyond a limit is not looked at further.
 */
export function checkCondition(condition: unknown): ConditionMistake[] {
  if (!isJsonObject(condition)) return [mistake('condition', 'must be an object such as {"state": "CONVERTED"}; {} matches every event')];
  const beyond = checkLimits(condition);
  if (beyond !== null) return [mistake('condition', beyond)];
  const mistakes: ConditionMistake[] = [];
  checkQuery(condition, 'condition', checkFactPath, mistakes);
  return mistakes;
}

type Mistakes = ConditionMistake[];
type CheckPath = (path: string) => string | null;

const mistake = (path: string, message: string): ConditionMistake => ({ path, message });

function checkLimits(condition: object): string | null {
  const { depth, nodes, characters } = CONDITION_LIMITS;
  const length = jsonLength(condition);
  if (length === null) return 'is no JSON';
  if (length > characters) return `is ${length} characters of JSON; at most ${characters} are allowed`;
  const measured = measure(condition);
  if (measured.depth > depth) return `is nested ${measured.depth} levels deep; at most ${depth} are allowed`;
  return measured.keys > nodes ? `has ${measured.keys} keys; at most ${nodes} are allowed` : null;
}

// Also what keeps a value that contains itself away from everything that follows.
function jsonLength(value: object): number | null {
  try {
    return JSON.stringify(value).length;
  } catch {
    return null;
  }
}

function measure(value: unknown): { depth: number; keys: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, keys: 0 };
  const parts = Object.values(value).map(measure);
  return {
    depth: 1 + parts.reduce((most, part) => Math.max(most, part.depth), 0),
    keys: (Array.isArray(value) ? 0 : parts.length) + parts.reduce((sum, part) => sum + part.keys, 0),
  };
}

function checkQuery(query: object, at: string, checkPath: CheckPath, mistakes: Mistakes): void {
  for (const [key, value] of Object.entries(query) as [string, unknown][]) {
    const here = `${at}.${key}`;
    if (key === '$not') checkSubquery(value, here, checkPath, mistakes);
    else if (LOGICAL.includes(key)) checkList(value, here, checkPath, mistakes);
    else if (key.startsWith('$')) mistakes.push(mistake(here, unknownHere(key)));
    else {
      const wrong = checkPath(key);
      if (wrong !== null) mistakes.push(mistake(here, wrong));
      checkTest(value, here, mistakes);
    }
  }
}

function unknownHere(key: string): string {
  if (!TEST_OPERATORS.split(', ').includes(key)) return `unknown operator; allowed here are ${QUERY_OPERATORS}`;
  return `stands without a path: write {"state": {"${key}": ...}}; allowed here are ${QUERY_OPERATORS}`;
}

function checkSubquery(value: unknown, at: string, checkPath: CheckPath, mistakes: Mistakes): void {
  if (isJsonObject(value)) checkQuery(value, at, checkPath, mistakes);
  else mistakes.push(mistake(at, 'wants a condition such as {"state": "CONVERTED"}'));
}

function checkList(value: unknown, at: string, checkPath: CheckPath, mistakes: Mistakes): void {
  if (!Array.isArray(value) || value.length === 0) {
    mistakes.push(mistake(at, 'wants a list of at least one condition'));
    return;
  }
  value.forEach((clause, index) => checkSubquery(clause, `${at}.${index}`, checkPath, mistakes));
}

function checkTest(test: unknown, at: string, mistakes: Mistakes): void {
  if (!isOperators(test)) {
    checkPlainValue(test, at, mistakes);
    return;
  }
  for (const [key, operand] of Object.entries(test) as [string, unknown][]) {
    const here = `${at}.${key}`;
    if (!key.startsWith('$')) mistakes.push(mistake(here, 'operators and keys can not be mixed; name the key in the path instead'));
    else if (key === '$not') checkTest(operand, here, mistakes);
    else if (key === '$elemMatch') checkElementMatch(operand, here, mistakes);
    else if (!Object.hasOwn(VALUE_OPERATORS, key)) mistakes.push(mistake(here, `unknown operator; allowed are ${TEST_OPERATORS}`));
    else {
      const wrong = VALUE_OPERATORS[key]?.check(operand) ?? null;
      if (wrong !== null) mistakes.push(mistake(here, wrong));
    }
  }
}

function checkElementMatch(operand: unknown, at: string, mistakes: Mistakes): void {
  if (isValueTest(operand)) checkTest(operand, at, mistakes);
  else if (isJsonObject(operand)) checkQuery(operand, at, checkElementPath, mistakes);
  else mistakes.push(mistake(at, 'wants operators such as {"$gte": 5} or a condition on the element\'s keys such as {"sku": "A1"}'));
}

// {"address": {"city": {"$ne": "Pune"}}} would be compared as a value and never match: surely a path was meant.
function checkPlainValue(value: unknown, at: string, mistakes: Mistakes): void {
  if (!isLiteral(value)) mistakes.push(mistake(at, 'wants a JSON value or operators'));
  else if (holdsOperator(value)) {
    mistakes.push(mistake(at, 'holds an operator inside a value: join the keys to a path such as "attributes.address.city", or compare as it is with $eq'));
  }
}

const holdsOperator = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
  && (isOperators(value) || Object.values(value).some(holdsOperator));
