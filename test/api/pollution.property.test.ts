import fc from 'fast-check';
import { openapiDocument } from '../../src/api/openapi';
import { routes } from '../../src/api/routes';
import { ID_PREFIXES, type IdKind } from '../../src/domain/ids';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const document = openapiDocument(routes) as { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
const IDS: Readonly<Record<string, string>> = Object.fromEntries((Object.keys(ID_PREFIXES) as IdKind[]).map((kind) => [`${kind}Id`, `${ID_PREFIXES[kind]}_01jc3f7x9k2m4n6p8q0r2s4t6v`]));
const fill = (path: string): string => path.replace(/:(\w+)/g, (_, name: string) => IDS[name] ?? 'x');

/** What a prototype could be reached by, and members that bodies know. */
const names = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'polluted', 'toString', 'hasOwnProperty', 'then', 'type', 'attributes', 'data', 'events', 'items', 'policy', 'retry',
    'headers', 'metadata', 'condition', 'event', 'rule', 'url', 'actor', '$and', '$elemMatch'),
  fc.string({ maxLength: 6 }),
);
/** JSON as text, so that a key `__proto__` is one. */
const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('true', 'null', '1', '"polluted"', '1e400', '"\\u0000"', '"\\ud800"', '{"polluted":true}', '[]', '{}'),
    fc.array(fc.tuple(names, tie('text')), { maxLength: 5 }).map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
    fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`)),
}));
const queries = fc.array(fc.tuple(names, fc.constantFrom('1', 'polluted', '__proto__', '')), { maxLength: 3 })
  .map((pairs) => pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&'));

test('whatever is sent, the answer is one that the document declares, and no prototype is changed', async () => {
  const before = [Object.prototype, Array.prototype, Function.prototype].map((prototype) => Reflect.ownKeys(prototype).length);
  await fc.assert(fc.asyncProperty(fc.constantFrom(...routes.filter(({ path }) => !/\/test$|\/refresh$|\/stream$/.test(path))), text, queries, async (route, body, query) => {
    const path = `${fill(route.path)}${query === '' ? '' : `?${query}`}`;
    const reply = await api.call(route.method, path, route.method === 'GET' ? undefined : body);
    const declared = Object.keys(document.paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()]?.responses ?? {});
    expect(declared).toContain(String(reply.status));
    expect([route.method, route.path, body, reply.status < 500]).toEqual([route.method, route.path, body, true]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  }), { numRuns: 1_500 });
  expect([Object.prototype, Array.prototype, Function.prototype].map((prototype) => Reflect.ownKeys(prototype).length)).toEqual(before);
});
