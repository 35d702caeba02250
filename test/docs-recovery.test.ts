import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptedJob } from '../src/api/schemas/job';
import { recoveryEstimate } from '../src/api/schemas/recovery';
import { RECOVERED } from '../src/domain/recovery';
import { startApi, type TestApi } from './support/api';
import { makeOwed } from './support/owed';
import { runSnippets } from './support/snippets';

const PAGE = 'docs/recovery.md';
const text = readFileSync(join(__dirname, '..', PAGE), 'utf8');

test.each([['job', acceptedJob], ['estimate', recoveryEstimate]] as const)('the %s of docs/recovery.md is answered like that', (name, schema) => {
  const shown = new RegExp(`<!-- ${name} -->\\n\`\`\`json\\n([^]*?)\`\`\``).exec(text)?.[1] ?? 'null';
  expect(schema.safeParse(JSON.parse(shown)).error).toBeUndefined();
});

test('docs/recovery.md says what each word of `only` does, and its links lead somewhere', () => {
  expect(RECOVERED.filter((only) => !text.includes(`\`${only}\``))).toEqual([]);
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
    expect(() => readFileSync(join(__dirname, '..', 'docs', target))).not.toThrow();
  }
});

describe('the calls of docs/recovery.md', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  test('are taken as they stand, one after the other', async () => {
    const { body: endpoint } = await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/hook' });
    await makeOwed(api.db, (await api.db.query<{ id: string }>({ text: 'select workspace_id as id from endpoints' }))[0]!.id, endpoint.id, { status: 'EXHAUSTED' });
    const [estimate, job, backfill, ...switched] = await runSnippets(PAGE, ['recover', 'backfill'], api, { ENDPOINT: endpoint.id, SINCE: '2025-01-01T00:00:00Z' });
    expect(estimate).toMatchObject({ dryRun: true, total: 1, complete: true, found: { resent: 1 }, deliveries: 1 });
    expect(job).toMatchObject({ kind: 'recover', status: 'QUEUED', parameters: { endpointId: endpoint.id, only: 'failed' } });
    expect(backfill).toMatchObject({ dryRun: true, found: { added: 0 } });
    expect(switched.map(({ kind, status }) => [kind, status])).toEqual([['backfill', 'PAUSED'], ['backfill', 'QUEUED'], ['backfill', 'CANCELLED']]);
  });
});
