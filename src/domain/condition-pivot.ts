import { isOperators } from './condition-shape';
import { isJsonList, isJsonObject, type Json, type JsonObject } from './json';

/** A plain value, that a map can be keyed by. */
export type Plain = string | number | boolean | null;

/** Something a condition can't do without: the value at `path`, or an element of it, is one of `values`. */
export interface Pivot {
  readonly path: string;
  readonly values: readonly Plain[];
}

/** A pivot of many values would put its condition in as many places. */
const MAX_VALUES = 20;

const isPlain = (value: Json): value is Plain => !isJsonList(value) && !isJsonObject(value);

/** All pivots of a checked condition: its equalities and short `$in` with plain values, and those within `$and`. */
export function pivotsOf(condition: JsonObject): Pivot[] {
  return Object.entries(condition).flatMap(([key, value]) => {
    if (key === '$and') return (value as readonly JsonObject[]).flatMap(pivotsOf);
    if (key.startsWith('$')) return [];
    return valuesOf(value).map((values) => ({ path: key, values }));
  });
}

function valuesOf(test: Json): (readonly Plain[])[] {
  if (!isOperators(test)) return isPlain(test) ? [[test]] : [];
  const found: (readonly Plain[])[] = [];
  const { $eq, $in } = test;
  if ($eq !== undefined && isPlain($eq)) found.push([$eq]);
  if ($in !== undefined && isJsonList($in) && $in.length <= MAX_VALUES && $in.every(isPlain)) found.push($in);
  return found;
}

/** The plain values that a value found at a pivot's path can be found by: itself, or its elements. */
export function plainValues(value: Json | undefined): readonly Plain[] {
  if (value === undefined) return [];
  if (isPlain(value)) return [value];
  return isJsonList(value) ? [...new Set(value.filter(isPlain))] : [];
}
