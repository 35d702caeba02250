import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATIONAL_TYPES } from '../src/domain/event';
import { AUTOMATIC_REASONS } from '../src/domain/endpoint';
import { makeOwed, owedRow } from './support/owed';
import { useApi } from './support/stage';
import { runSnippets } from './support/snippets';

const PAGE = 'docs/endpoint-life.md';
const text = readFileSync(join(__dirname, '..', PAGE), 'utf8');

const { api, receiver } = useApi();

test('the calls of docs/endpoint-life.md show how a deactivated endpoint is, try it, and bring it back', async () => {
  const { body: endpoint } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook` });
  const [row] = await api.db.query<{ workspace_id: string }>({ text: 'select workspace_id from endpoints where id = $1', values: [endpoint.id] });
  const { id } = await makeOwed(api.db, row?.workspace_id ?? '', endpoint.id);
  await api.call('POST', `/v1/endpoints/${endpoint.id}/deactivate`, { reason: 'moving house' });

  expect(await runSnippets(PAGE, ['by-hand'], api, { ENDPOINT: endpoint.id })).toMatchObject([
    { status: 'DEACTIVATED', reason: 'moving house', held: 1 }, { statusCode: 200, outcome: 'ok' }, { id: endpoint.id, status: 'ACTIVE', statusReason: null },
  ]);
  expect(receiver.received('/hook')).toHaveLength(1);
  expect(await owedRow(api.db, id)).toMatchObject({ status: 'PENDING', reason: 'draining' });
});

test('it names every operational event and every reason that Posthorn finds by itself; its JSON and links are whole', () => {
  expect([...OPERATIONAL_TYPES, ...AUTOMATIC_REASONS].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  for (const [, json = ''] of text.matchAll(/```json\n([^]*?)```/g)) expect(() => JSON.parse(json) as unknown).not.toThrow();
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) expect(() => readFileSync(join(__dirname, '..', 'docs', target))).not.toThrow();
});
