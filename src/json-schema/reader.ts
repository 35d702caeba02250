import type { FieldError } from '../errors';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../domain/json';
import { readPattern, type Pattern } from './pattern';
import type { Check } from './run';

/** A schema of several subschemas under one keyword. */
export type Part = readonly [key: string, check: Check];

/**
 * Reads the parts of one schema object. What is not as it must be is noted with its path, and undefined is answered as
 * if the keyword were not there: all mistakes are found in one go.
 */
export class Reader {
  constructor(
    readonly schema: JsonObject,
    readonly path: string,
    private readonly sub: (schema: Json, path: string) => Check,
    private readonly mistakes: FieldError[],
  ) {}

  has(key: string): boolean {
    return Object.hasOwn(this.schema, key);
  }

  wrong(key: string, message: string): undefined {
    this.mistakes.push({ path: this.at(key), message });
    return undefined;
  }

  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  get(key: string): Json | undefined {
    return this.has(key) ? this.schema[key] : undefined;
  }

  count(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : this.wrong(key, 'must be a whole number from 0');
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return typeof value === 'number' ? value : this.wrong(key, 'must be a number');
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return isJsonList(value) && value.every((item) => typeof item === 'string') ? value : this.wrong(key, 'must be a list of texts');
  }

  list(key: string): readonly Json[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return isJsonList(value) ? value : this.wrong(key, 'must be a list');
  }

  object(key: string): JsonObject | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return isJsonObject(value) ? value : this.wrong(key, 'must be an object');
  }

  pattern(key: string, source: string): Pattern | undefined {
    try {
      return readPattern(source);
    } catch (error) {
      return this.wrong(key, error instanceof Error ? error.message : String(error));
    }
  }

  /** The subschema of a keyword. */
  check(key: string): Check | undefined {
    const value = this.get(key);
    return value === undefined ? undefined : this.sub(value, this.at(key));
  }

  /** The subschemas of a keyword that is a list of them. */
  checks(key: string): readonly Check[] | undefined {
    const list = this.list(key);
    if (list?.length === 0) return this.wrong(key, 'must hold at least one schema');
    return list?.map((item, n) => this.sub(item, `${this.at(key)}.${n}`));
  }

  /** The subschemas of a keyword that is an object of them. */
  parts(key: string): readonly Part[] | undefined {
    const object = this.object(key);
    return object && Object.entries(object).map(([name, schema]) => [name, this.sub(schema, `${this.at(key)}.${name}`)] as const);
  }
}
