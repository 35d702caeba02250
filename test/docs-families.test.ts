import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { FLOW_TYPES } from '../src/domain/family-flow';
import { SPEKTR_TYPES } from '../src/domain/family-spektr';
import { startApi, type TestApi } from './support/api';
import { runSnippets, verifierInPython, verifierInTypeScript } from './support/snippets';

const pageOf = (name: string): string => `docs/families/${name}.md`;
const LANGUAGES = [['typescript', verifierInTypeScript], ['python', verifierInPython]] as const;

describe.each(['spektr', 'flow'])('docs/families/%s.md', (name) => {
  const SECRET = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
  const BODY = '{"id":"evt_1","data":{"città":"Graz ☃"}}';
  const signed = (at = new Date()): Record<string, string> => ({
    'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(SECRET).sign('evt_1', at, BODY),
  });

  test.each(LANGUAGES)('checks a request in %s', (language, load) => {
    const accepts = load(pageOf(name), language);
    expect(accepts(BODY, signed(), SECRET)).toBe(true);
    const now = signed();
    expect(accepts(BODY, { ...now, 'webhook-signature': `v1,AAAA ${now['webhook-signature']}` }, SECRET)).toBe(true);
    expect(accepts(`${BODY} `, signed(), SECRET)).toBe(false);
    expect(accepts(BODY, signed(new Date(Date.now() - 400_000)), SECRET)).toBe(false);
    expect(accepts(BODY, signed(), `whsec_${Buffer.from('another one of 24 bytes.').toString('base64')}`)).toBe(false);
    expect(accepts(BODY, {}, SECRET)).toBe(false);
    expect(accepts(BODY, { ...signed(), 'webhook-signature': 'v1,é' }, SECRET)).toBe(false);
  });
});

test.each(LANGUAGES)('docs/families/chative.md checks the token of a request in %s', (language, load) => {
  const accepts = load(pageOf('chative'), language);
  const body = (infoWebhook: object): string => JSON.stringify({ items: [{ infoWebhook }] });
  expect(accepts(body({ verifyToken: 'a tokén' }), {}, 'a tokén')).toBe(true);
  expect(accepts(body({ verifyToken: 'another' }), {}, 'a tokén')).toBe(false);
  expect(accepts(body({}), {}, 'a tokén')).toBe(false);
});

test.each(['chative', 'spektr', 'flow'])('the JSON and the links of docs/families/%s.md are whole', (name) => {
  const text = readFileSync(join(__dirname, '..', pageOf(name)), 'utf8');
  for (const [, json = ''] of text.matchAll(/```json\n([^]*?)```/g)) expect(() => JSON.parse(json) as unknown).not.toThrow();
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
    expect(() => readFileSync(join(__dirname, '..', 'docs', 'families', target))).not.toThrow();
  }
});

test('the pages name every type of their family', () => {
  for (const [name, types] of [['spektr', SPEKTR_TYPES], ['flow', FLOW_TYPES]] as const) {
    const text = readFileSync(join(__dirname, '..', pageOf(name)), 'utf8');
    expect(types.filter((type) => !text.includes(`\`${type}\``))).toEqual([]);
  }
});

describe('the set-up', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  const run = (name: string): Promise<unknown[]> => runSnippets(pageOf(name), ['set-up'], api, { URL: 'https://127.0.0.1:9/hook' });
  const typesOf = async (dialect: string): Promise<string[]> =>
    (await api.db.query<{ type: string }>({ text: 'select type from events where caused_by is not null and type = any($1) order by id', values: [dialect === 'flow' ? FLOW_TYPES : SPEKTR_TYPES] })).map(({ type }) => type);

  test('of chative ends with a changed contact', async () => {
    expect(await run('chative')).toMatchObject([{ type: 'contact', attributes: { city: 'Graz' }, version: 2 }]);
  });

  test('of spektr tells of a run, a status and a tag', async () => {
    expect((await run('spektr')).at(-1)).toMatchObject({ name: 'report.txt', contentType: 'text/plain', size: 8 });
    expect(await typesOf('spektr')).toEqual(['process_run_start', 'customer_status_changed', 'customer_tag_add', 'process_run_end']);
  });

  test('of flow tells of a session from start to end', async () => {
    expect((await run('flow')).at(-1)).toMatchObject({ data: [{ scope: 'flow:onboarding', dialect: 'flow' }] });
    expect(await typesOf('flow')).toEqual(['flow.start', 'technology.start', 'technology.end', 'flow.end']);
  });
});
