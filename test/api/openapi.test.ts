import { routes } from '../../src/api/routes';
import { startApi, type TestApi } from '../support/api';

type Schema = Record<string, unknown>;

let api: TestApi;
let document: { openapi: string; paths: Record<string, Record<string, Schema>>; components: { schemas: Record<string, Schema> } };
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('GET', '/openapi.json', undefined, { authorization: null })).body;
});
afterAll(() => api.close());

const operations = (): [string, Schema][] =>
  Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]): [string, Schema] => [`${method.toUpperCase()} ${path}`, operation]));

it('describes every route and nothing else', () => {
  expect(document.openapi).toBe('3.1.0');
  const served = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  expect(operations().map(([name]) => name).sort()).toEqual([...served].sort());
});

it('gives every operation an id of its own, a summary, path parameters that stand in its path, and its problems', () => {
  const ids = operations().map(([, operation]) => operation['operationId']);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, operation] of operations()) {
    expect(operation['summary']).toBeTruthy();
    const parameters = (operation['parameters'] ?? []) as { name: string; in: string; schema: Schema }[];
    expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual([...name.matchAll(/\{(\w+)\}/g)].map(([, id]) => id));
    expect(Object.keys(operation['responses'] as Schema)).toEqual(expect.arrayContaining(['422', '500']));
  }
});

it('points at nothing that is not there', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '');
  expect(refs.length).toBeGreaterThan(20);
  const there = Object.entries(document.components).flatMap(([part, named]) => Object.keys(named).map((name) => `#/components/${part}/${name}`));
  for (const ref of new Set(refs)) expect(there).toContain(ref);
  expect(JSON.stringify(document)).not.toContain('$defs');
});

it('means characters in its patterns, as JSON Schema does, and never the halves in which JavaScript keeps some', () => {
  const patterns = [...JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text ?? '""') as string);
  expect(patterns.length).toBeGreaterThan(20);
  for (const pattern of new Set(patterns)) {
    for (const text of ['\u{6aae5}', 'a\u{1f4e6}b', 'http://\u{1f4e6}', '\uffff']) expect([pattern, text, new RegExp(pattern).test(text)]).toEqual([pattern, text, new RegExp(pattern, 'u').test(text)]);
  }
});

it('names the schemas that callers know by name', () => {
  expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(['Record', 'Process', 'Task', 'Event', 'Problem', 'ApiKey', 'NewEvent']));
  expect((document.components.schemas['NewEvent'] as { required: string[] }).required).toEqual(['type', 'data']);
});
