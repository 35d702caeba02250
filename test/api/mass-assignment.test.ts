import { routes } from '../../src/api/routes';
import { openapiDocument } from '../../src/api/openapi';
import { ID_PREFIXES, type IdKind } from '../../src/domain/ids';
import { startApi, type TestApi } from '../support/api';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema | boolean>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

const document = openapiDocument(routes) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> } }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const resolved = (schema: Schema): Schema => (schema.$ref ? (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema) : schema);

/** The writable schemas, by method and path. */
const writable = routes.flatMap((route) => {
  const operation = document.paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()];
  const schema = operation?.requestBody?.content['application/json']?.schema;
  return schema && route.body ? [{ route, schema: resolved(schema) }] : [];
});

/** Names that only the server sets: the columns of all tables, as they are written there and as the API writes them, and what it answers. */
let ownedByServer: readonly string[];
let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  const columns = await api.db.query<{ column_name: string }>({
    text: `select distinct column_name from information_schema.columns where table_schema = 'public'`,
  });
  const answered = Object.values(document.components.schemas).flatMap((schema) => Object.keys(schema.properties ?? {}));
  const names = columns.flatMap(({ column_name: name }) => [name, name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]);
  ownedByServer = [...new Set([...names, ...answered, 'isRoot', 'workspace', 'constructor'])].sort();
});
afterAll(() => api.close());

/** Members whose keys are the caller's own: nothing of them becomes a column or a property of ours. */
const FREE = new Set(['attributes', 'metadata', 'condition', 'headers', 'data', 'object', 'previous']);

/** The places of a schema that are objects but not closed. */
function open(schema: Schema | boolean, path: string): string[] {
  if (typeof schema === 'boolean') return [];
  const { properties = {}, additionalProperties, items, anyOf = [], oneOf = [], type } = resolved(schema);
  const isOpen = type === 'object' && additionalProperties !== false && !FREE.has(path.split('.').at(-1) ?? '');
  return [
    ...(isOpen ? [path] : []),
    ...Object.entries(properties).flatMap(([name, inner]) => open(inner, `${path}.${name}`)),
    ...(items ? open(items, `${path}[]`) : []),
    ...[...anyOf, ...oneOf].flatMap((inner) => open(inner, path)),
  ];
}

test('every object that a caller may write is closed, but for those whose keys are the caller’s own', () => {
  expect(writable.length).toBeGreaterThan(30);
  expect(writable.flatMap(({ route, schema }) => open(schema, `${route.method} ${route.path}`))).toEqual([]);
});

const IDS: Readonly<Record<string, string>> = Object.fromEntries((Object.keys(ID_PREFIXES) as IdKind[]).map((kind) => [`${kind}Id`, `${ID_PREFIXES[kind]}_01jc3f7x9k2m4n6p8q0r2s4t6v`]));
const fill = (path: string): string => path.replace(/:(\w+)/g, (_, name: string) => IDS[name] ?? 'x');

test.each(writable.map(({ route, schema }) => [route.method, route.path, schema] as const))('%s %s refuses each field that is not the caller’s to set', async (method, path, schema) => {
  const own = new Set(Object.keys(schema.properties ?? {}));
  const fields = ownedByServer.filter((name) => !own.has(name));
  expect(fields.length).toBeGreaterThan(100);
  // An answer lists a hundred mistakes at most.
  for (let at = 0; at < fields.length; at += 80) {
    const some = fields.slice(at, at + 80);
    const reply = await api.call(method, fill(path), JSON.stringify(Object.fromEntries(some.map((name) => [name, 'x']))));
    const told = new Set((reply.body.errors as { path: string; message: string }[]).filter(({ message }) => message.startsWith('is not known here')).map((error) => error.path));
    expect([reply.status, some.filter((name) => !told.has(name))]).toEqual([422, []]);
  }
});
