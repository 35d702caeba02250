import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startApi, type TestApi } from './support/api';
import { snippet, verifierInPython, verifierInTypeScript } from './support/snippets';

const BODY = '{"event":"message","payload":{"text":{"body":"città ☃"}}}';
const hex = (secret: string, body = BODY): string => createHmac('sha256', secret).update(body).digest('hex');

describe.each([
  ['chakra', 'x-chakra-signature-256', ''], ['chakra-inbound', 'x-chakra-signature-256', ''], ['meta', 'x-hub-signature-256', 'sha256='],
])('docs/families/%s.md', (name, header, prefix) => {
  const page = `docs/families/${name}.md`;

  test.each([['typescript', verifierInTypeScript], ['python', verifierInPython]] as const)('checks a request in %s', (language, load) => {
    const accepts = load(page, language);
    const headers = { [header]: `${prefix}${hex('any string')}` };
    expect(accepts(BODY, headers, 'any string')).toBe(true);
    expect(accepts(`${BODY} `, headers, 'any string')).toBe(false);
    expect(accepts(BODY, headers, 'another string')).toBe(false);
    expect(accepts(BODY, { [header]: `${prefix}${hex('any string').slice(2)}` }, 'any string')).toBe(false);
    expect(accepts(BODY, {}, 'any string')).toBe(false);
    expect(accepts(BODY, { [header]: `${prefix}${'é'.repeat(64)}` }, 'any string')).toBe(false);
  });

  test('has JSON that can be read and links that lead somewhere', () => {
    const text = readFileSync(join(__dirname, '..', page), 'utf8');
    for (const [, json = ''] of text.matchAll(/```json\n([^]*?)```/g)) expect(() => JSON.parse(json) as unknown).not.toThrow();
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(() => readFileSync(join(__dirname, '..', 'docs', 'families', target))).not.toThrow();
    }
  });
});

describe('the set-up', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  const run = async (name: string): Promise<string> => (await promisify(execFile)('sh', ['-euc', snippet(`docs/families/${name}.md`, 'set-up')], {
    env: { ...process.env, KEY: api.rootKey, API: api.url, URL: 'http://127.0.0.1:9/whatsapp', HOST: 'http://127.0.0.1:9' },
  })).stdout;

  test('of meta ends with a request that is taken', async () => {
    const lines = (await run('meta')).trim().split('\n');
    expect(lines.slice(1)).toEqual(['1158201444', '200']);
    const channelId = /chn_\w+/.exec(lines[0] ?? '')?.[0];
    const events = await api.db.query<{ type: string }>({ text: 'select type from events where channel_id = $1 order by id', values: [channelId] });
    expect(events.map(({ type }) => type)).toEqual(['inbound.raw', 'inbound.message']);
  });

  test('of chakra-inbound ends with a channel that tells of messages alone', async () => {
    const [, channel = ''] = (await run('chakra-inbound')).trim().split('\n');
    expect(JSON.parse(channel)).toMatchObject({ events: ['message'], friendlyEndpointId: expect.stringMatching(/^ep_/) as string });
  });

  test('of chakra ends with a lead that is converted', async () => {
    const [rule = '', lead = ''] = (await run('chakra')).trim().split('\n');
    expect(JSON.parse(rule)).toMatchObject({ condition: { type: 'lead', state: 'CONVERTED' }, endpointIds: [expect.stringMatching(/^ep_/) as string] });
    expect(JSON.parse(lead)).toMatchObject({ state: 'CONVERTED', version: 2 });
  });
});
