import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_TYPE_KINDS } from '../src/domain/event-catalogue';
import { declareEventTypes } from '../src/domain/type-declarations';
import { useApi } from './support/stage';
import { runSnippets } from './support/snippets';

const PAGE = 'docs/event-types.md';
const text = readFileSync(join(__dirname, '..', PAGE), 'utf8');

const { api, receiver } = useApi();

test('the calls of docs/event-types.md are answered as it says, and its declaration is the one that is made', async () => {
  const { body: endpoint } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook` });
  const [put, taken, refused, builtIn, tested] = await runSnippets(PAGE, ['catalogue'], api, { ENDPOINT: endpoint.id });
  expect(put).toMatchObject({ type: 'invoice.paid', enforce: 'reject', sample: { invoice: 'in_1', amount: 12.5 } });
  expect(taken).toMatchObject({ duplicate: false });
  expect(refused).toMatchObject({ status: 422, code: 'schema_mismatch', errors: [{ path: 'data.amount', message: 'must be a number' }] });
  expect(builtIn).toMatchObject({ kind: 'lifecycle', sample: { objectKind: 'process' } });
  expect(tested).toMatchObject({ outcome: 'ok' });
  expect(JSON.parse(receiver.received('/hook')[0]?.body ?? '')).toMatchObject({ type: 'invoice.paid', data: { invoice: 'in_1', amount: 12.5 } });
  expect(declareEventTypes([put])).toContain(/<!-- declared -->\n```ts\n([^]*?)```/.exec(text)?.[1]);
});

test('it names every kind of type', () => {
  expect(EVENT_TYPE_KINDS.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([]);
});
