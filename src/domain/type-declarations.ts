import { isJsonList, isJsonObject, type Json, type JsonObject } from './json';

/** A type of event of which a declaration is made: one of `GET /v1/event-types`, or a built-in one. */
export interface DeclaredType {
  readonly type: string;
  readonly description: string | null;
  /** JSON Schema 2020-12 of its `data`; null: any. Its references begin with `#`. */
  readonly schema: Json | null;
  readonly archived?: boolean;
}

/**
 * TypeScript declarations of the `data` of these types of event, for receivers: a module without imports. It exports a type
 * for each (`invoice.paid`: `InvoicePaid`), `EventData` by name of the type, and `EventBody`, the body of the dialect
 * `standard` as a union that `type` tells apart. The same types give the same text, in the order of their names. What a
 * schema says beyond shapes (lengths, patterns, `not`, `if`) is left out: a declaration is never narrower than its schema.
 */
export function declareEventTypes(types: readonly DeclaredType[]): string {
  const names = new Names();
  const declared = [...types].sort((a, b) => (a.type < b.type ? -1 : 1)).map((one) => ({ one, name: names.take(one.type) }));
  const parts = declared.map(({ one, name }) => declare(one, name, names));
  const members = declared.map(({ one, name }) => `  ${quoted(one.type)}: ${name};`);
  return [
    '/* Made from the catalogue of event types. Do not edit: make it anew. */',
    ...parts,
    `/** The \`data\` of each type of event. */\nexport interface EventData {\n${members.join('\n')}\n}`,
    '/** The body of an event in the dialect `standard`; `type` tells which. */\nexport type EventBody = { [K in keyof EventData]: { id: string; type: K; timestamp: string; data: EventData[K] } }[keyof EventData];',
  ].join('\n\n').concat('\n');
}

/**
 * What stands after the declarations of these types, so that the receiver's bodies know them: the interface `CustomEvents` of the
 * module `receiver` (such as `posthorn/receiver`, or the path of a copy) with a member for each. Nothing where there are none.
 */
export function extendCustomEvents(types: readonly Pick<DeclaredType, 'type'>[], receiver: string): string {
  // By way of EventData: a type's own name might be one that the module exports, too, and would be that one in here.
  const members = types.map(({ type }) => quoted(type)).sort().map((type) => `    ${type}: EventData[${type}];`);
  if (members.length === 0) return '';
  return `\n/** The bodies of the receiver know these types, too. */\ndeclare module ${quoted(receiver)} {\n  interface CustomEvents {\n${members.join('\n')}\n  }\n}\n`;
}

function declare({ type, description, schema, archived = false }: DeclaredType, name: string, names: Names): string {
  const writer = new Writer(schema ?? {}, name, names);
  const own = `${comment([`Data of \`${type}\`.${description === null ? '' : ` ${description}`}`, ...(archived ? ['@deprecated archived'] : [])], '')}export type ${name} = ${writer.write(schema ?? {}, 0)};`;
  return [own, ...writer.referred()].join('\n\n');
}

/** Names of declarations, each given once; `Record` is one that declarations are made of. */
class Names {
  private readonly taken = new Set<string>(['EventData', 'EventBody', 'Record']);

  take(text: string): string {
    const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    const base = words.join('').replace(/^(?=\d|$)/, 'Event');
    let name = base;
    for (let n = 2; this.taken.has(name); n += 1) name = `${base}${n}`;
    this.taken.add(name);
    return name;
  }
}

/** Levels of lists and objects that are written out; below it says `unknown`. */
const DEPTH = 40;

class Writer {
  private readonly byRef = new Map<string, string>();
  private readonly declarations: string[] = [];
  /** By name, the names that its declaration is made of without an object or a list between: no alias may come back to itself so. */
  private readonly madeOf = new Map<string, Set<string>>();
  /** The declarations that are being written at this place, from the outermost. */
  private open: readonly string[];

  constructor(private readonly root: Json, private readonly name: string, private readonly names: Names) {
    this.byRef.set('#', name);
    this.open = [name];
  }

  /** Declarations of what `$ref`s name. */
  referred(): readonly string[] {
    return this.declarations;
  }

  write(schema: Json, depth: number): string {
    if (schema === false) return 'never';
    if (!isJsonObject(schema) || depth > DEPTH) return 'unknown';
    const parts = [
      ...('const' in schema ? [literal(schema['const'] as Json)] : isJsonList(schema['enum']) ? [union(schema['enum'].map(literal))] : [this.typed(schema, depth)]),
      ...(typeof schema['$ref'] === 'string' ? [this.reference(schema['$ref'], depth)] : []),
      ...(isJsonList(schema['allOf']) ? schema['allOf'].map((one) => this.write(one, depth + 1)) : []),
      ...['anyOf', 'oneOf'].flatMap((key) => (isJsonList(schema[key]) ? [union(schema[key].map((one) => this.write(one, depth + 1)))] : [])),
    ].filter((part) => part !== 'unknown');
    return parts.length === 0 ? 'unknown' : [...new Set(parts)].map((part) => (parts.length > 1 && part.includes(' | ') ? `(${part})` : part)).join(' & ');
  }

  private reference(ref: string, depth: number): string {
    const known = this.byRef.get(ref);
    if (known !== undefined) return this.named(known);
    const target = this.target(ref);
    if (target === undefined) return 'unknown';
    const name = this.names.take(`${this.name} ${ref.split('/').at(-1) ?? ''}`);
    this.byRef.set(ref, name);
    const place = this.declarations.push('') - 1;
    const written = depth > DEPTH ? 'unknown' : this.within([...this.open, name], () => this.write(target, 0));
    this.declarations[place] = `${comment(describe(target), '')}export type ${name} = ${written};`;
    return this.named(name);
  }

  /** A name where it may stand; what would be made of itself alone is anything. */
  private named(name: string): string {
    if (this.open.some((one) => this.isMadeOf(name, one, new Set()))) return 'unknown';
    const owner = this.open.at(-1);
    if (owner !== undefined) this.madeOf.set(owner, (this.madeOf.get(owner) ?? new Set()).add(name));
    return name;
  }

  private isMadeOf(name: string, other: string, seen: Set<string>): boolean {
    if (name === other) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return [...(this.madeOf.get(name) ?? [])].some((part) => this.isMadeOf(part, other, seen));
  }

  private within<T>(open: readonly string[], write: () => T): T {
    const before = this.open;
    this.open = open;
    try {
      return write();
    } finally {
      this.open = before;
    }
  }

  private target(ref: string): Json | undefined {
    if (!ref.startsWith('#/')) return undefined;
    let found: Json | undefined = this.root;
    for (const part of ref.slice(2).split('/')) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      found = (isJsonObject(found) || isJsonList(found)) && Object.hasOwn(found, key) ? (found as JsonObject)[key] : undefined;
    }
    return found;
  }

  private typed(schema: JsonObject, depth: number): string {
    const given = schema['type'];
    const guessed = 'properties' in schema ? ['object'] : 'items' in schema || 'prefixItems' in schema ? ['array'] : [];
    const types = isJsonList(given) ? given : given === undefined ? guessed : [given];
    return types.length === 0 ? 'unknown' : union(types.map((type) => this.ofType(String(type), schema, depth)));
  }

  private ofType(type: string, schema: JsonObject, depth: number): string {
    if (type === 'object') return this.within([], () => this.object(schema, depth));
    if (type === 'array') return this.within([], () => this.list(schema, depth));
    return { string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' }[type] ?? 'unknown';
  }

  private object(schema: JsonObject, depth: number): string {
    const properties = isJsonObject(schema['properties']) ? Object.entries(schema['properties']) : [];
    const others = schema['additionalProperties'];
    if (properties.length === 0) return others === false ? 'Record<string, never>' : `{ [key: string]: ${this.write(others ?? true, depth + 1)} }`;
    const required = new Set(isJsonList(schema['required']) ? schema['required'] : []);
    const indent = '  '.repeat(depth + 1);
    const lines = properties.map(([key, inner]) =>
      `${comment(describe(inner), indent)}${indent}${/^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key)}${required.has(key) ? '' : '?'}: ${this.write(inner, depth + 1)};`);
    return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
  }

  private list(schema: JsonObject, depth: number): string {
    const rest = this.write(schema['items'] ?? true, depth);
    if (!isJsonList(schema['prefixItems'])) return /[|&]/.test(rest) ? `(${rest})[]` : `${rest}[]`;
    const first = schema['prefixItems'].map((one) => `${bracketed(this.write(one, depth))}?`);
    return `[${[...first, ...(schema['items'] === false ? [] : [`...${bracketed(rest)}[]`])].join(', ')}]`;
  }
}

const bracketed = (type: string): string => (/[|& ]/.test(type) ? `(${type})` : type);

const union = (types: readonly string[]): string => (types.includes('unknown') ? 'unknown' : [...new Set(types)].join(' | ') || 'never');

/** What would drive a terminal, end a line, or show code in another order than it is read in. */
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const quoted = (value: Json): string => JSON.stringify(value).replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

function literal(value: Json): string {
  if (isJsonList(value)) return `[${value.map(literal).join(', ')}]`;
  if (!isJsonObject(value)) return quoted(value);
  return `{ ${Object.entries(value).map(([key, inner]) => `${quoted(key)}: ${literal(inner)}`).join('; ')} }`;
}

const describe = (schema: Json): string[] => {
  if (!isJsonObject(schema)) return [];
  const said = [schema['title'], schema['description']].filter((one) => typeof one === 'string');
  return [...said, ...(schema['deprecated'] === true ? ['@deprecated'] : [])];
};

function comment(lines: readonly string[], indent: string): string {
  const said = lines.flatMap((line) => line.split(/[\r\n\u2028\u2029]+/)).map((line) => line.replaceAll('*/', '*\u200b/').replace(UNSEEN, '\ufffd').trim()).filter((line) => line !== '');
  if (said.length === 0) return '';
  if (said.length === 1) return `${indent}/** ${said[0]} */\n`;
  return `${indent}/**\n${said.map((line) => `${indent} * ${line}`).join('\n')}\n${indent} */\n`;
}
