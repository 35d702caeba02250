import { isJsonList, isJsonObject, type Json, type JsonObject } from '../domain/json';
import { readSchema } from './schema';

/** Levels below which a sample leaves out what it may, and values that it has at most. */
const DEPTH = 5;
const MOST_VALUES = 300;
const MOST_ITEMS = 5;

const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2025-01-31T12:00:00Z', date: '2025-01-31', time: '12:00:00Z', duration: 'P1D', email: 'someone@example.com', hostname: 'example.com',
  ipv4: '192.0.2.1', ipv6: '2001:db8::1', uri: 'https://example.com/', 'uri-reference': '/', uuid: '123e4567-e89b-42d3-a456-426614174000',
};

/**
 * A value that fits a schema, always the same one: its `const`, `default`, first of `examples` or of `enum`, else the
 * smallest that its keywords allow, with each known key. Undefined where none is found that way, such as for a `pattern`.
 */
export function sampleOf(schema: Json): Json | undefined {
  const read = readSchema(schema);
  if ('mistakes' in read) return undefined;
  const sample = new Sampler(schema).of(schema, 0);
  return sample !== undefined && read.schema.mistakes(sample, '').length === 0 ? sample : undefined;
}

class Sampler {
  private left = MOST_VALUES;

  constructor(private readonly root: Json) {}

  of(schema: Json, depth: number): Json | undefined {
    this.left -= 1;
    if (this.left < 0 || depth > DEPTH + 3) return undefined;
    if (!isJsonObject(schema)) return schema === false ? undefined : {};
    const given = [schema['const'], schema['default'], first(schema['examples']), first(schema['enum'])].find((value) => value !== undefined);
    if (given !== undefined) return given;
    const whole = this.merged(schema, 0);
    return this.typed(whole, typeOf(whole), depth);
  }

  /** A schema with what it refers to, all of `allOf` and the first of each choice laid over it. */
  private merged(schema: JsonObject, level: number): JsonObject {
    const others = [this.target(schema['$ref']), ...list(schema['allOf']), first(schema['anyOf']), first(schema['oneOf'])].filter(isJsonObject);
    if (others.length === 0 || level > DEPTH) return schema;
    return others.map((other) => this.merged(other, level + 1)).reduce<JsonObject>((whole, other) => ({
      ...other, ...whole,
      properties: { ...object(other['properties']), ...object(whole['properties']) },
      required: [...list(other['required']), ...list(whole['required'])],
    }), schema);
  }

  private target(ref: Json | undefined): Json | undefined {
    if (typeof ref !== 'string' || !ref.startsWith('#')) return undefined;
    let found: Json | undefined = this.root;
    for (const key of ref.split('/').slice(1)) found = isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    return found;
  }

  private typed(schema: JsonObject, type: Json | undefined, depth: number): Json | undefined {
    const given = [schema['const'], schema['default'], first(schema['examples']), first(schema['enum'])].find((value) => value !== undefined);
    if (given !== undefined) return given;
    if (type === 'object') return this.object(schema, depth);
    if (type === 'array') return this.list(schema, depth);
    if (type === 'integer' || type === 'number') return number(schema, type === 'integer');
    if (type === 'boolean') return true;
    if (type === 'string') return text(schema);
    return type === 'null' ? null : {};
  }

  private object(schema: JsonObject, depth: number): Json | undefined {
    const properties = object(schema['properties']);
    const required = new Set(list(schema['required']).map(String));
    const keys = new Set([...required, ...(depth < DEPTH ? Object.keys(properties) : [])]);
    const entries: [string, Json][] = [];
    for (const key of keys) {
      const value = this.of(Object.hasOwn(properties, key) ? (properties[key] as Json) : (schema['additionalProperties'] ?? true), depth + 1);
      if (value !== undefined) entries.push([key, value]);
      else if (required.has(key)) return undefined;
    }
    return Object.fromEntries(entries);
  }

  private list(schema: JsonObject, depth: number): Json | undefined {
    const most = Math.min(count(schema['maxItems'], MOST_ITEMS), MOST_ITEMS);
    const wanted = Math.min(Math.max(count(schema['minItems'], 0), depth < DEPTH ? 1 : 0, list(schema['prefixItems']).length), most);
    const items = Array.from({ length: wanted }, (_, n) => this.of(list(schema['prefixItems'])[n] ?? schema['items'] ?? schema['contains'] ?? true, depth + 1));
    return items.filter((item) => item !== undefined);
  }
}

function typeOf(schema: JsonObject): Json | undefined {
  const type = schema['type'];
  if (isJsonList(type)) return type.find((name) => name !== 'null') ?? 'null';
  if (type !== undefined) return type;
  if (['properties', 'required', 'additionalProperties'].some((key) => key in schema)) return 'object';
  if (['items', 'prefixItems', 'contains'].some((key) => key in schema)) return 'array';
  if (['minLength', 'maxLength', 'format', 'pattern'].some((key) => key in schema)) return 'string';
  return ['minimum', 'maximum', 'multipleOf'].some((key) => key in schema) ? 'number' : undefined;
}

function text(schema: JsonObject): string {
  const sample = TEXTS[String(schema['format'])] ?? 'text';
  return sample.padEnd(Math.min(count(schema['minLength'], 0), 1_000), '.').slice(0, count(schema['maxLength'], sample.length + 1_000));
}

function number(schema: JsonObject, isWhole: boolean): number {
  const step = limit(schema['multipleOf']) ?? (isWhole ? 1 : undefined);
  const above = limit(schema['exclusiveMinimum']);
  const least = limit(schema['minimum']) ?? (above === undefined ? undefined : above + (step ?? 1));
  const most = limit(schema['maximum']) ?? (limit(schema['exclusiveMaximum']) ?? 2) - (step ?? 1e-3);
  const wanted = least ?? Math.min(1, most);
  return step === undefined ? wanted : (least === undefined ? Math.floor(wanted / step) : Math.ceil(wanted / step)) * step;
}

const list = (value: Json | undefined): readonly Json[] => (isJsonList(value) ? value : []);
const first = (value: Json | undefined): Json | undefined => list(value)[0];
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
const count = (value: Json | undefined, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
const limit = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);
