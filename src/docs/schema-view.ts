import type { Schema } from './api-document';
import { type Html, html, type Part } from './html';

/** What a reference to a schema with a name begins with. */
export const SCHEMAS = '#/components/schemas/';

/**
 * The fields of a schema as a list; fields that have fields of their own can be opened. A schema with a name is linked to.
 * @param isAnswer all that is answered is there: what is required is told of what is sent alone.
 */
export function schemaView(schema: Schema, isAnswer = false): Part {
  const inner = withFields(schema);
  if (inner === null) return html`<p class="type">${typeOf(schema)}${notes(schema)}</p>`;
  return html`${inner === schema ? null : html`<p class="type">${typeOf(schema)}</p>`}${fieldsOf(inner, isAnswer)}`;
}

function fieldsOf(schema: Schema, isAnswer: boolean): Html {
  const required = new Set(isAnswer ? [] : schema.required);
  const fields = Object.entries(schema.properties ?? {});
  const rest = schema.additionalProperties;
  return html`<ul class="fields">${fields.map(([name, field]) => fieldView(name, field, required.has(name), isAnswer))}${
    typeof rest === 'object' && Object.keys(rest).length > 0 ? fieldView('<any name>', rest, false, isAnswer) : null}</ul>`;
}

function fieldView(name: string, schema: Schema, isRequired: boolean, isAnswer: boolean): Html {
  const inner = withFields(schema);
  const line = html`<code>${name}</code> <span class="type">${typeOf(schema)}</span>${
    isRequired ? html` <span class="required">required</span>` : null}${notes(schema)}`;
  return html`<li>${inner === null ? line : html`<details><summary>${line}</summary>${fieldsOf(inner, isAnswer)}</details>`}</li>`;
}

/** The schema whose fields are to be shown: itself, that of a list's items, or the one of several that has fields; null: none. */
function withFields(schema: Schema): Schema | null {
  if (schema.$ref !== undefined) return null;
  if (schema.properties && Object.keys(schema.properties).length > 0) return schema;
  if (schema.items) return withFields(schema.items);
  if (typeof schema.additionalProperties === 'object' && schema.properties === undefined) return withFields(schema.additionalProperties);
  const inner = variantsOf(schema).map(withFields).filter((one) => one !== null);
  return inner.length === 1 ? (inner[0] ?? null) : null;
}

const variantsOf = (schema: Schema): readonly Schema[] => schema.anyOf ?? schema.oneOf ?? schema.allOf ?? [];

/** A schema's type in words: `list of Event`, `"hold" or "discard"`, `text or null`. */
export function typeOf(schema: Schema): Part {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(SCHEMAS.length);
    return html`<a href="/docs/api/schemas#${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const variants = variantsOf(schema);
  if (variants.length > 0) return variants.map((one, index) => [index > 0 ? ' or ' : '', typeOf(one)]);
  if (schema.type === 'array') return schema.items && Object.keys(schema.items).length > 0 ? ['list of ', typeOf(schema.items)] : 'list';
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object' && !schema.properties) return ['object of ', typeOf(schema.additionalProperties)];
  if (schema.type === undefined) return 'any JSON';
  return [schema.type].flat().map((type) => (type === 'string' ? wordFor(schema) : String(type))).join(' or ');
}

/** The beginning of an id, from its pattern. */
const prefixOf = ({ pattern }: Schema): string | undefined => /^\^(\w+_)\[[\w-]+\]\{26\}\$$/.exec(String(pattern))?.[1];

function wordFor(schema: Schema): string {
  const prefix = prefixOf(schema);
  if (prefix !== undefined) return `id ${prefix}…`;
  return { 'date-time': 'time', uri: 'address', binary: 'bytes' }[schema.format ?? ''] ?? 'string';
}

const LIMITS: readonly (readonly [least: string, most: string, unit: string])[] = [
  ['minimum', 'maximum', ''], ['minLength', 'maxLength', ' characters'], ['minItems', 'maxItems', ' entries'],
];

/** A limit; what JSON Schema's generators put where none was meant is none. */
const limitOf = (schema: Schema, keyword: string): number | null => {
  const value = schema[keyword];
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null;
};

/** What may be given, in words: `1 to 200 characters`. */
function limitsOf(schema: Schema): string[] {
  return LIMITS.flatMap(([least, most, unit]) => {
    const [from, to] = [limitOf(schema, least), limitOf(schema, most)];
    if (from !== null && to !== null) return `${from} to ${to}${unit}`;
    if (from !== null) return `${from}${unit} or more`;
    return to === null ? [] : `at most ${to}${unit}`;
  });
}

/** Limits, default and description. */
function notes(schema: Schema): Part {
  const limited = variantsOf(schema).find((one) => one.type !== 'null') ?? schema;
  const limits = limitsOf(limited);
  const pattern = typeof limited['pattern'] === 'string' && limited.format === undefined && prefixOf(limited) === undefined ? html` <code class="pattern">${limited['pattern']}</code>` : null;
  const description = schema.description ?? limited.description;
  const isTold = schema.default !== undefined && JSON.stringify(schema.default).length <= 60;
  return [
    limits.length > 0 && html` <span class="limits">${limits.join(', ')}</span>`,
    isTold && html` <span class="limits">default <code>${JSON.stringify(schema.default)}</code></span>`,
    pattern,
    description !== undefined && html`<span class="about">${prose(description)}</span>`,
  ];
}

/** Text of a description; what stands between backticks is code. */
export const prose = (text: string): Part =>
  text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
