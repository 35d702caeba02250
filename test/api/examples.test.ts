import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Example } from '../../src/api/examples';
import { openapiDocument } from '../../src/api/openapi';
import { routes } from '../../src/api/routes';
import { textOf } from '../../src/docs/curl';
import { startApi, type TestApi } from '../support/api';
import { tellStory } from '../support/example-story';
import { createTeller, shapeOf } from '../support/examples';
import { openReceiver, type Receiver } from '../support/receiver';

/**
 * The examples of the OpenAPI document and of `/docs/api` are calls that were made. Here they are made again. After a change of an
 * answer: `POSTHORN_RECORD=1 npx jest test/api/examples.test.ts` writes them anew. A new operation gets a line in
 * `test/support/example-story.ts`.
 */
const FILE = join(__dirname, '..', '..', 'src', 'api', 'example-calls.json');

/** Operations without an example, and why. */
const WITHOUT: Readonly<Record<string, string>> = {
  'GET /openapi.json': 'it would hold itself',
  'GET /metrics': 'docs/observability.md lists them all',
  'GET /v1/stream': 'it does not end; docs/stream.md',
  'GET /files/:fileId': 'its address is the link that an event carries',
};

let api: TestApi;
let receiver: Receiver;
let made: Map<string, Example>;
let shown: Record<string, Example>;

beforeAll(async () => {
  [api, receiver] = await Promise.all([startApi({ TEMPORAL_UI_URL: 'http://127.0.0.1:8233', PUBLIC_URL: 'http://127.0.0.1:3000' }), openReceiver()]);
  const teller = createTeller(api, { [receiver.url]: 'https://hooks.example.com' });
  await tellStory(teller.tell, api, receiver.url);
  made = teller.examples;
  if (process.env['POSTHORN_RECORD']) writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(made), null, 1)}\n`);
  shown = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Example>;
}, 60_000);
afterAll(async () => {
  await receiver?.close();
  await api?.close();
});

test('every operation has an example, and no example is left of one that is gone', () => {
  const names = routes.map(({ method, path }) => `${method} ${path}`).filter((name) => !Object.hasOwn(WITHOUT, name));
  expect(Object.keys(shown).sort()).toEqual([...names].sort());
});

test('each is answered as it is shown', () => {
  const differing = Object.entries(shown).filter(([name, { answer, ...request }]) => {
    const { answer: given, ...sent } = made.get(name) ?? { answer: undefined };
    return JSON.stringify(sent) !== JSON.stringify(request) || shapeOf(given).join() !== shapeOf(answer).join();
  });
  expect(differing.map(([name, example]) => ({ name, shown: example, made: made.get(name) }))).toEqual([]);
});

test('the OpenAPI document shows what is sent and what is answered', () => {
  const { paths } = openapiDocument(routes) as unknown as { paths: Record<string, Record<string, Operation>> };
  for (const [name, { params, query, body, status, answer }] of Object.entries(shown)) {
    const [method = '', path = ''] = name.split(' ');
    const operation = paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    const examples = (operation?.parameters ?? []).filter(({ example }) => example !== undefined).map((one) => [one.name, String(one.example)]);
    expect([name, Object.fromEntries(examples)]).toEqual([name, expect.objectContaining({ ...params, ...query })]);
    for (const { example } of Object.values(operation?.requestBody?.content ?? {})) expect([name, example]).toEqual([name, body]);
    const answers = Object.values(operation?.responses[String(status)]?.content ?? {});
    for (const { example } of answers) expect([name, example]).toEqual([name, answer]);
  }
});

test('the pages write them as JSON that says the same, short parts on one line', () => {
  for (const { body, answer } of Object.values(shown)) {
    for (const value of [body, answer].filter((one) => typeof one === 'object')) expect(JSON.parse(textOf(value))).toEqual(value);
  }
  expect(textOf({ list: ['a', 1, null], none: {}, long: ['x'.repeat(50), 'y'.repeat(50)] }))
    .toBe(`{\n  "list": ["a", 1, null],\n  "none": {},\n  "long": [\n    "${'x'.repeat(50)}",\n    "${'y'.repeat(50)}"\n  ]\n}`);
});

test('no example shows a secret or an address of the machine that it was made on', () => {
  const text = readFileSync(FILE, 'utf8');
  expect(text).not.toContain(api.rootKey);
  expect([...text.matchAll(/\b(?:127\.0\.0\.1|localhost):(\d+)/g)].filter(([, port]) => port !== '3000' && port !== '8233')).toEqual([]);
});

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly example?: unknown }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly example?: unknown }>> }>>;
}
