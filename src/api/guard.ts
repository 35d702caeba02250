import { z } from 'zod';
import { AppError, type FieldError } from '../errors';
import type { Answer, Route } from './route';

const NOTHING = z.strictObject({});
const NO_BODY = z.union([z.undefined(), NOTHING], 'this call takes no body');

/** What a route takes and answers, as functions: made once at start. */
export interface Guard {
  /** @throws AppError 404: a path that can not name anything names nothing. */
  params(given: Readonly<Record<string, string>>): unknown;
  /** @throws AppError 422 with every mistake. */
  query(given: Readonly<Record<string, unknown>>): unknown;
  /** @throws AppError 422 with every mistake, at most a hundred. */
  body(given: unknown): unknown;
  /** What is wrong with an answer by the route's own contract; null when nothing is. */
  fault(answer: Answer): string | null;
}

/** The guard of a route. */
export function guardOf(route: Route): Guard {
  const { params, query = NOTHING, body = NO_BODY, replies } = route;
  return {
    params(given) {
      const parsed = params?.safeParse(given);
      const isBad = parsed?.success === false || Object.values(given).some(isUnstorable);
      if (isBad) throw new AppError('not_found', `There is no such thing in this workspace: ${describePath(given)}.`);
      return parsed?.data ?? given;
    },
    query: (given) => {
      const unstorable = Object.entries(given).find(([, value]) => isUnstorable(value));
      if (unstorable) throw refuse('The query', [{ path: unstorable[0], message: 'must be given once, and without the character U+0000' }]);
      return check('The query', query, given);
    },
    body: (given) => check('The body', body, given),
    fault({ status, body: answered }) {
      const schema = replies[status];
      if (schema === undefined) return `the status ${status} is not declared`;
      if (schema === null) return answered === undefined ? null : `the status ${status} is declared without a body`;
      const parsed = schema.safeParse(answered);
      return parsed.success ? null : mistakes(parsed.error.issues, schema).map((m) => `${m.path}: ${m.message}`).join('; ');
    },
  };
}

/** Checks a value by a schema; `what` begins the error's detail. @throws AppError 422 with every mistake, at most a hundred. */
export function check<T extends z.ZodType>(what: string, schema: T, given: unknown): z.output<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw refuse(what, mistakes(parsed.error.issues, schema));
}

const isUnstorable = (value: unknown): boolean => typeof value !== 'string' || value.includes('\0');

/** Most mistakes that one answer lists: thousands of items can be wrong in the same way. */
const LISTED = 100;

function refuse(what: string, errors: readonly FieldError[]): AppError {
  const count = errors.length === 1 ? 'a mistake' : `${errors.length} mistakes`;
  return new AppError('invalid', `${what} has ${count}: ${errors.slice(0, 5).map(line).join('; ')}.`, errors.slice(0, LISTED));
}

const line = ({ path, message }: FieldError): string => (path === '' ? message : `${path} ${message}`);

const describePath = (given: Readonly<Record<string, string>>): string =>
  Object.entries(given).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');

function mistakes(issues: readonly z.core.$ZodIssue[], schema: z.ZodType): FieldError[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: sentence(issue) }];
    const allowed = keysAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      message: allowed.length > 0 ? `is not known here; known are ${allowed.join(', ')}` : 'is not known here; nothing is taken',
    }));
  });
}

/** Zod's own sentences begin with "Invalid input: expected …"; the rest are ours and are kept. */
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const inner = new Set(issue.errors.flat().map((one) => sentence(one)));
    if (inner.size > 0) return [...inner].join(', or ');
  }
  return issue.message
    .replace(/^Invalid input: expected nonoptional, received undefined$/, 'must be given')
    .replace(/^Invalid (input|option): expected /, 'must be ');
}

/** The keys that the object at `path` knows; empty where they can't be told. */
function keysAt(schema: unknown, path: readonly string[]): string[] {
  const inner = unwrap(schema);
  const [key, ...rest] = path;
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Record<string, unknown>;
    return key === undefined ? Object.keys(shape) : keysAt(shape[key], rest);
  }
  return inner instanceof z.ZodArray && key !== undefined ? keysAt(inner.element, rest) : [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) return unwrap(schema.unwrap());
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema;
}
