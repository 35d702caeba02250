import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import type { DialectName } from '../../src/domain/dialect';
import type { Event } from '../../src/domain/event';
import { FLOW_TYPES } from '../../src/domain/family-flow';
import { SPEKTR_TYPES } from '../../src/domain/family-spektr';
import { LIFECYCLE_TYPES, OPERATIONAL_TYPES } from '../../src/domain/event';
import { renderBody } from '../../src/wire/envelope';
import { startApi, type TestApi } from '../support/api';
import { hubSignature, SAMPLE_MESSAGE } from '../support/whatsapp';

const ROOT = join(__dirname, '..', '..');
const STRICT = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, target: ts.ScriptTarget.ES2023, skipLibCheck: true } as const;

let folder: string;
let api: TestApi;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-types-'));
  cpSync(join(ROOT, 'src', 'receiver'), join(folder, 'receiver'), { recursive: true });
  api = await startApi();
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

/** The mistakes that the compiler finds in a file beside the copied folder, by line from 0. */
function mistakes(text: string, options: ts.CompilerOptions): { line: number; message: string }[] {
  const file = join(folder, 'check.ts');
  writeFileSync(file, text);
  const program = ts.createProgram([file], { ...STRICT, ...options });
  return ts.getPreEmitDiagnostics(program).map(({ file: at, start = 0, messageText }) => ({
    line: at?.fileName === file ? at.getLineAndCharacterOfPosition(start).line : -1,
    message: `${at?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  }));
}

const ON_NODE = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: ['lib.es2023.d.ts'], types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] };

test('the bodies that the service makes fit their types, member by member', async () => {
  const bodies = await madeBodies();
  expect([...new Set(bodies.map(({ type }) => type))].sort()).toEqual([
    ...LIFECYCLE_TYPES, ...OPERATIONAL_TYPES.filter((type) => type.endsWith('activated')), ...SPEKTR_TYPES, ...FLOW_TYPES, 'inbound.message', 'inbound.raw', 'invoice.paid',
  ].sort());
  const head = ["import type { Bodies } from './receiver';", "declare module './receiver' { interface CustomEvents { 'invoice.paid': { amount: number } } }"];
  const fitting = bodies.map(({ dialect, body }, n) => `export const fits${n}: Bodies['${dialect}'] = ${JSON.stringify(body)};`);
  const OPTIONAL = new Set(['reference']);
  const lacking = bodies.filter(({ dialect }) => dialect !== 'meta').flatMap(({ dialect, body }) => Object.keys(body).filter((key) => !OPTIONAL.has(key)).map((key) => {
    const { [key]: _, ...rest } = body;
    return `export const lacks_${key}: Bodies['${dialect}'] = ${JSON.stringify(rest)};`;
  })).map((line, n) => line.replace('lacks_', `lacks${n}_`));
  const more = bodies.filter(({ dialect }) => dialect !== 'meta').map(({ dialect, body }, n) => `export const more${n}: Bodies['${dialect}'] = ${JSON.stringify({ ...body, strange: 1 })};`);
  const lines = [...head, ...fitting, ...lacking, ...more];
  const found = mistakes(lines.join('\n'), ON_NODE);
  const firstWrong = head.length + fitting.length;
  expect(found.filter(({ line }) => line < firstWrong)).toEqual([]);
  const caught = new Set(found.map(({ line }) => line));
  expect(lines.filter((_, line) => line >= firstWrong && !caught.has(line))).toEqual([]);
});

test('the examples of docs/events.md and docs/endpoint-life.md fit', () => {
  const page = readFileSync(join(ROOT, 'docs', 'events.md'), 'utf8');
  const shown = [...page.matchAll(/<!-- envelope: ([a-z-]+) -->\n```json\n([^]*?)```/g)].map(([, dialect, json = '']) => `export const shown_${String(dialect).replace('-', '_')}: Bodies['${dialect}'] = ${JSON.stringify(JSON.parse(json))};`);
  expect(shown).toHaveLength(7);
  const [, ended = ''] = /```json\n(\{\n {2}"type": "delivery.exhausted"[^]*?)```/.exec(readFileSync(join(ROOT, 'docs', 'endpoint-life.md'), 'utf8')) ?? [];
  const exhausted = JSON.stringify({ id: 'evt_1', timestamp: '2025-11-04T09:30:00.000Z', ...JSON.parse(ended) as object });
  expect(mistakes(["import type { Bodies } from './receiver';", ...shown, `export const ended: Bodies['standard'] = ${exhausted};`].join('\n'), ON_NODE)).toEqual([]);
});

test('a type of event narrows its data, a type that was not declared is a mistake, and so is the wrong secret', () => {
  const found = mistakes(`
    import { fetchReceiver, type StandardBody } from './receiver';
    declare module './receiver' { interface CustomEvents { 'invoice.paid': { amount: number } } }
    export const read = (body: StandardBody): string | null => {
      if (body.type === 'process:state-change') return body.data.object.state;
      if (body.type === 'invoice.paid') return body.data.amount.toFixed(2);
      return body.type === 'delivery.exhausted' ? body.data.reason : null;
    };
    export const handler = fetchReceiver({ dialect: 'chative', verifyToken: 'x' }, ({ body }) => { body.items[0].data; });
    export const unknown = (body: StandardBody): boolean => body.type === 'invoice.lost';
    export const secret = fetchReceiver({ dialect: 'chative', secrets: 'x' }, () => undefined);
    const expected = { dialect: 'standard', secrets: 'x', transformed: true } as const;
    export const own = fetchReceiver(expected, ({ id, body }) => { console.log(id, body); });
    export const unread = fetchReceiver(expected, ({ body }) => { body.type; });
  `, ON_NODE);
  expect(found.map(({ line }) => line)).toEqual([9, 10, 13]);
});

test('the folder compiles where there is no Node: as a browser’s or a worker’s, with nothing installed', () => {
  const options = { module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'], types: [] };
  expect(mistakes("export { fetchReceiver } from './receiver';", options)).toEqual([]);
});

test('posthorn/receiver can be imported and required, with its types', () => {
  const node = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const names = 'ReceiveError,createOnce,createVerifier,expressReceiver,fetchReceiver,koaReceiver,verify';
  expect(node('--input-type=module', '-e', `import { ${names} } from 'posthorn/receiver'; console.log([${names}].map(({ name }) => name).join())`)).toBe(names);
  expect(node('-e', `console.log(Object.keys(require('posthorn/receiver')).sort().join())`)).toBe(names);
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: { './receiver': { types: string } } };
  expect(readFileSync(join(ROOT, exports['./receiver'].types), 'utf8')).toContain('fetchReceiver');
});

/** Bodies of events of every type that a change can make, as they would be sent. */
async function madeBodies(): Promise<{ type: string; dialect: DialectName; body: Record<string, unknown> }[]> {
  const ok = async (method: string, path: string, body?: unknown) => {
    const reply = await api.call(method, path, body);
    if (reply.status >= 300) throw new Error(reply.text);
    return reply.body;
  };
  const url = 'http://127.0.0.1:9/hook';
  const [endpoint] = await Promise.all(['spektr', 'flow'].map((dialect) => ok('POST', '/v1/endpoints', { url, dialect, events: ['*'] })));
  const channel = await ok('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: 'v', appSecret: 'app' });
  await api.call('POST', `/inbound/${channel.id}`, SAMPLE_MESSAGE, { authorization: null, 'x-hub-signature-256': hubSignature(SAMPLE_MESSAGE, 'app') });
  const customer = await ok('POST', '/v1/records', { type: 'customer', attributes: { name: 'Ada', tags: ['old'] } });
  await ok('PATCH', `/v1/records/${customer.id}`, { attributes: { status: 'active', tags: ['new'] }, actor: { userId: 'u-1' } });
  for (const type of ['run', 'flow']) {
    const { id } = await ok('POST', '/v1/processes', { type, recordId: customer.id, attributes: { reference: 'r', flow: 'f' } });
    for (const task of ['service', 'alert', 'step', 'technology']) {
      const made = await ok('POST', '/v1/tasks', { type: task, processId: id });
      await ok('PATCH', `/v1/tasks/${made.id}`, { status: task === 'alert' ? 'RESOLVED' : 'SUBMITTED' });
      await ok('DELETE', `/v1/tasks/${made.id}`).catch(() => undefined);
    }
    await ok('PATCH', `/v1/processes/${id}`, { status: 'COMPLETED', state: 'DONE' });
    await ok('DELETE', `/v1/processes/${id}`).catch(() => undefined);
  }
  await ok('POST', '/v1/events', { type: 'invoice.paid', data: { amount: 1 }, objectId: customer.id });
  await ok('POST', '/v1/events', { type: 'invoice.paid', data: { amount: 1 } });
  await ok('DELETE', `/v1/records/${customer.id}`).catch(() => undefined);
  await ok('POST', `/v1/endpoints/${endpoint.id}/deactivate`, { reason: 'r' });
  await ok('POST', `/v1/endpoints/${endpoint.id}/reactivate`, { drain: false });

  const { data } = await ok('GET', '/v1/events?limit=250');
  return (data as Record<string, never>[]).flatMap((shown) => {
    const event = toEvent(shown);
    return dialectsOf(event).map((dialect) => ({ type: event.type, dialect, body: JSON.parse(renderBody(dialect, event).toString()) as Record<string, unknown> }));
  });
}

function dialectsOf({ type, objectKind }: Event): DialectName[] {
  if ((SPEKTR_TYPES as readonly string[]).includes(type)) return ['spektr'];
  if ((FLOW_TYPES as readonly string[]).includes(type)) return ['flow'];
  if (type === 'inbound.raw') return ['meta', 'standard'];
  if (type === 'inbound.message') return ['chakra-inbound', 'standard', 'chakra'];
  return objectKind === 'record' ? ['standard', 'chakra', 'chative'] : ['standard', 'chakra'];
}

/** The event as it is stored, of the one that the API shows. */
function toEvent(shown: Readonly<Record<string, unknown>>): Event {
  const text = (name: string): string | null => (shown[name] === null ? null : JSON.stringify(shown[name]));
  return {
    ...(shown as unknown as Event), workspaceId: 'wsp_1', object: text('object'), previous: text('previous'), changes: text('changes'), data: text('data'), actor: text('actor'),
    occurredAt: new Date(shown['occurredAt'] as string), createdAt: new Date(shown['createdAt'] as string),
  };
}
