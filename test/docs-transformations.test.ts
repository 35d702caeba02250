import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALECT_NAMES } from '../src/domain/dialect';
import { takesTransform } from '../src/domain/transform';
import { useApi } from './support/stage';
import { runSnippets } from './support/snippets';

const PAGE = 'docs/transformations.md';
const text = readFileSync(join(__dirname, '..', PAGE), 'utf8');

const { api, receiver } = useApi();

test('the calls of docs/transformations.md make the body that it shows', async () => {
  const shown = JSON.parse(/<!-- sent -->\n```json\n([^]*?)```/.exec(text)?.[1] ?? '');
  const [tried, tested] = await runSnippets(PAGE, ['transform'], api, { URL: `${receiver.url}/hook` });
  expect(tried).toMatchObject({ body: shown, error: null });
  expect(tested).toMatchObject({ outcome: 'ok' });
  expect(receiver.received('/hook').map(({ body }) => JSON.parse(body))).toEqual([shown]);
});

test('it names the dialects that take a transform, and those that do not', () => {
  const [, taken = ''] = /## Where it can be used\n\nWith (.*?)\. Not/s.exec(text) ?? [];
  expect(DIALECT_NAMES.filter((name) => taken.includes(`\`${name}\``))).toEqual(DIALECT_NAMES.filter(takesTransform));
});
