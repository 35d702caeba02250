import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import type { z } from 'zod';
import { acceptedJob, entryOut } from '../src/api/schemas/job';
import { pageOf } from '../src/api/schemas/shared';
import { takeApart } from '../src/api/take-apart';
import { Settings } from '../src/config';
import { DIALECT_NAMES, type DialectName } from '../src/domain/dialect';
import { type Event, INBOUND_TYPES, LIFECYCLE_TYPES, OPERATIONAL_TYPES } from '../src/domain/event';
import { isJsonList, isJsonObject, type Json } from '../src/domain/json';
import { JOB_STATUSES } from '../src/domain/job';
import { presentObject } from '../src/domain/object';
import { slugOf } from '../src/docs/markdown';
import { ERRORS } from '../src/errors';
import { renderBody } from '../src/wire/envelope';
import { type Accepts, snippet, verifierInGo, verifierInPython, verifierInTypeScript } from './support/snippets';

const ROOT = join(__dirname, '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
/** All that is written for people. */
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];

test('docs/errors.md names every error code with its status, and no other', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \| (.+) \|$/gm)];
  const documented = rows.map(([, code, status]) => `${code} ${status}`);
  expect(documented.sort()).toEqual(Object.entries(ERRORS).map(([code, [status]]) => `${code} ${status}`).sort());
});

test('the README’s table of settings is the one of src/config.ts', () => {
  const table = /<!-- settings -->\n([^]*?)\n<!-- \/settings -->/.exec(read('README.md'))?.[1];
  // On a mismatch the received text is to be put between the markers.
  expect(settingsTable()).toBe(table);
});

test('docs/events.md names every type of event and every dialect', () => {
  const page = read('docs/events.md');
  expect([...LIFECYCLE_TYPES, ...OPERATIONAL_TYPES, ...INBOUND_TYPES].filter((type) => !page.includes(`\`${type}\``))).toEqual([]);
  expect(DIALECT_NAMES.filter((name) => !page.includes(`### \`${name}\``))).toEqual([]);
});

test.each(DIALECT_NAMES)('the body of %s in docs/events.md has the shape of the one that is sent', (name) => {
  const example = shownBody(name);
  const facts = { attemptNumber: 1, firstSentAt: AT, delivered: null, verifyToken: 'a shared secret', fileLink: () => '' };
  expect(pathsOf(JSON.parse(renderBody(name, exampleOf(name, example), facts).toString('utf8')) as Json)).toEqual(pathsOf(example));
});

test.each([['job', acceptedJob], ['entries', pageOf(entryOut)]] as const)('the %s of docs/bulk.md is answered like that', (name, schema) => {
  const shown = new RegExp(`<!-- ${name} -->\\n\`\`\`json\\n([^]*?)\`\`\``).exec(read('docs/bulk.md'))?.[1] ?? 'null';
  expect(schema.safeParse(JSON.parse(shown)).error).toBeUndefined();
});

test('docs/bulk.md names every status of a job', () => {
  expect(JOB_STATUSES.filter((status) => !read('docs/bulk.md').includes(`| \`${status}\` |`))).toEqual([]);
});

test.each(PAGES)('the JSON, the links and the bold words of %s are whole', (name) => {
  const page = read(name);
  const text = page.replace(/```[^]*?```|`[^`]*`/g, '');
  expect(text.split(/\n\s*\n|\n(?=[-|] ?)/).filter((part) => (part.split('**').length - 1) % 2 !== 0)).toEqual([]);
  for (const [, json = ''] of page.matchAll(/```json\n([^]*?)```/g)) expect(() => JSON.parse(json) as unknown).not.toThrow();
  const broken = [...page.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].filter(([, target = '', fragment]) => {
    const linked = target === '' ? name : join(name, '..', target);
    if (!existsSync(join(ROOT, linked))) return true;
    return fragment !== undefined && ![...read(linked).matchAll(/^#+ (.+)$/gm)].some(([, heading = '']) => slugOf(heading) === fragment);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
  const tests = [...page.matchAll(/`(test\/[\w./-]+\.\w+)`/g)].map(([, file = '']) => file);
  // The worked example of CONTRIBUTING.md names files that are to be written.
  expect(tests.filter((file) => name.startsWith('docs/') && !existsSync(join(ROOT, file)))).toEqual([]);
});

test('the README’s table of pages names each of docs/ once', () => {
  const [, table = ''] = /<!-- pages -->\n([^]*?)<!-- \/pages -->/.exec(read('README.md')) ?? [];
  const named = [...table.matchAll(/\]\((docs\/[^)#]+\.md)\)/g)].map(([, file]) => file);
  expect(named.sort()).toEqual(PAGES.filter((name) => name.startsWith('docs/')).sort());
});

describe('the snippets of docs/verifying.md', () => {
  const PAGE = 'docs/verifying.md';
  const SECRET = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
  const OTHER_SECRET = `whsec_${Buffer.from('another one of 24 bytes.').toString('base64')}`;
  const BODY = '{"id":"evt_1","data":{"città":"Graz ☃"}}';
  const ID = 'evt_01jb3m8zq4x7v2k9n5c6t0r1sw';

  const signedAt = (at: Date, secret = SECRET, body = BODY): Record<string, string> => ({
    'webhook-id': ID,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(ID, at, body),
  });
  const rotated = (): Record<string, string> => {
    const now = new Date();
    const both = `${signedAt(now, OTHER_SECRET)['webhook-signature']} ${signedAt(now)['webhook-signature']}`;
    return { ...signedAt(now), 'webhook-signature': both };
  };
  const agoMinutes = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

  describe.each([
    ['library', verifierInTypeScript], ['typescript', verifierInTypeScript], ['python', verifierInPython], ['go', verifierInGo],
  ] as const)('%s', (name, load) => {
    let accepts: Accepts;
    beforeAll(() => void (accepts = load(PAGE, name)));

    test('takes what was signed, also by one of two secrets', () => {
      expect(accepts(BODY, signedAt(new Date()), SECRET)).toBe(true);
      expect(accepts(BODY, rotated(), SECRET)).toBe(true);
    });

    test('refuses another body, another secret, another id, an old timestamp and one from the future', () => {
      expect(accepts(`${BODY} `, signedAt(new Date()), SECRET)).toBe(false);
      expect(accepts(BODY, signedAt(new Date(), OTHER_SECRET), SECRET)).toBe(false);
      expect(accepts(BODY, { ...signedAt(new Date()), 'webhook-id': 'evt_2' }, SECRET)).toBe(false);
      expect(accepts(BODY, signedAt(agoMinutes(6)), SECRET)).toBe(false);
      expect(accepts(BODY, signedAt(agoMinutes(-6)), SECRET)).toBe(false);
      for (const signature of ['v1,', 'v1,é']) expect(accepts(BODY, { ...signedAt(new Date()), 'webhook-signature': signature }, SECRET)).toBe(false);
      expect(accepts(BODY, {}, SECRET)).toBe(false);
    });
  });

  describe.each([['chakra', verifierInTypeScript], ['chakra-python', verifierInPython], ['chakra-go', verifierInGo]] as const)('%s', (name, load) => {
    test('takes what was signed, and refuses another body, another secret, no signature and one that is no ASCII', () => {
      const accepts = load(PAGE, name);
      const headers = { 'x-chakra-signature-256': createHmac('sha256', 'any string').update(BODY).digest('hex') };
      expect(accepts(BODY, headers, 'any string')).toBe(true);
      expect(accepts(`${BODY} `, headers, 'any string')).toBe(false);
      expect(accepts(BODY, headers, 'another string')).toBe(false);
      expect(accepts(BODY, {}, 'any string')).toBe(false);
      expect(accepts(BODY, { 'x-chakra-signature-256': 'é'.repeat(64) }, 'any string')).toBe(false);
    });
  });

  test('shell prints the signature that was sent', () => {
    const headers = signedAt(new Date());
    const printed = printedBy('shell', { SECRET, ID, TIMESTAMP: headers['webhook-timestamp'] ?? '' });
    expect(`v1,${printed}`).toBe(headers['webhook-signature']);
    expect(printedBy('chakra-shell', { SECRET: 'any string' })).toBe(createHmac('sha256', 'any string').update(BODY).digest('hex'));
  });

  function printedBy(name: string, env: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-docs-'));
    writeFileSync(join(folder, 'body.json'), BODY);
    const printed = execFileSync('sh', ['-euc', snippet(PAGE, name)], { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
    rmSync(folder, { recursive: true });
    return printed.trim();
  }
});

const AT = new Date('2025-11-04T09:30:00.000Z');

/** A lead that became CONVERTED. */
const EXAMPLE: Event = {
  id: 'evt_01jb3m8zq4x7v2k9n5c6t0r1sw', workspaceId: 'wsp_1', externalId: null, type: 'process:state-change', sequence: 3, causedBy: null,
  objectKind: 'process', objectId: 'prc_01jb3m8yzh5d4g2w7q9x3f6k8v',
  object: JSON.stringify(presentObject({
    id: 'prc_01jb3m8yzh5d4g2w7q9x3f6k8v', workspaceId: 'wsp_1', kind: 'process', type: 'lead', primaryKey: 'L-1042',
    recordId: 'rec_01jb3m8y1p6s0t4c8e2a9b7n5m', processId: null, state: 'CONVERTED', status: 'OPEN', attributes: { city: 'Graz' },
    version: 2, sequence: 3, createdAt: AT, updatedAt: AT,
  })),
  previous: '{"state":"NEW"}', changes: '["state"]', data: null, actor: null, occurredAt: AT, createdAt: AT,
};

/** The body of a dialect as docs/events.md shows it. */
const shownBody = (name: DialectName): Json =>
  JSON.parse(new RegExp(`<!-- envelope: ${name} -->\\n\`\`\`json\\n([^]*?)\`\`\``).exec(read('docs/events.md'))?.[1] ?? 'null') as Json;

/** An event of the kind that a dialect is told of. */
function exampleOf(name: DialectName, shown: Json): Event {
  const data = (fields: object): Event => ({ ...EXAMPLE, causedBy: 'evt_1', data: JSON.stringify(fields) });
  // What is passed through is what it is; what is taken out of that is shown from the same request.
  if (name === 'meta') return { ...EXAMPLE, data: JSON.stringify(shown) };
  if (name === 'chakra-inbound') return { ...EXAMPLE, data: takeApart(JSON.stringify(shownBody('meta')))[0]?.data ?? '' };
  if (name === 'chative') {
    const object = { id: 'rec_1', kind: 'record', type: 'contact', attributes: { name: 'Ada', city: 'Graz' } };
    return { ...EXAMPLE, type: 'record:update', objectKind: 'record', object: JSON.stringify(object), changes: '["attributes.city"]' };
  }
  if (name === 'spektr') {
    return data({ spektrId: 'rec_1', reference: 'r', data: { processType: 'risk', processName: 'Risk Assessment', processId: '12345', contextId: 'prc_1' } });
  }
  return name === 'flow' ? data({ session_id: 'prc_1', flow_name: 'Onboarding', metadata: { source: 'app' }, data: { technology_code: 'liveness' } }) : EXAMPLE;
}

/** The paths of a JSON value in their order. */
function pathsOf(value: Json, path = ''): string[] {
  if (isJsonList(value)) return value.flatMap((item, index) => pathsOf(item, `${path}/${index}`));
  return isJsonObject(value) ? Object.entries(value).flatMap(([key, part]) => [`${path}/${key}`, ...pathsOf(part, `${path}/${key}`)]) : [];
}

/** The table of settings as the README must show it. */
function settingsTable(): string {
  const rows = Object.entries(Settings.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const ifUnset = schema.safeParse(undefined);
    return `| \`${name}\` | ${ifUnset.success ? shown(ifUnset.data) : ''} | ${schema.description ?? ''} |`;
  });
  return ['| variable | default | is |', '|---|---|---|', ...rows].join('\n');
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'boolean') return value ? '`on`' : '`off`';
  return `\`${String(value)}\``;
}
