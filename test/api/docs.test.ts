import { ERRORS } from '../../src/errors';
import { escapeHtml, html } from '../../src/docs/html';
import { renderMarkdown } from '../../src/docs/markdown';
import { findRoot, readGuides } from '../../src/docs/sources';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
/** Every page and file of the site, found by its own links. */
const pages = new Map<string, { readonly status: number; readonly headers: Headers; readonly text: string }>();

beforeAll(async () => {
  api = await startApi();
  const waiting = ['/docs'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (pages.has(path)) continue;
    const reply = await api.call('GET', path, undefined, { authorization: null });
    pages.set(path, reply);
    for (const { path: linked } of linksOf(path, reply.text)) if (linked.startsWith('/docs')) waiting.push(linked);
  }
});
afterAll(() => api.close());

const isPage = ([, { headers }]: [string, { readonly headers: Headers }]): boolean => headers.get('content-type') === 'text/html; charset=utf-8';

/** What an HTML text points to on this service; nothing of other texts. */
function linksOf(from: string, text: string): { path: string; fragment: string }[] {
  if (!text.startsWith('<!doctype html>')) return [];
  return [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, address = '']) => new URL(address, `http://here${from}`))
    .filter(({ host }) => host === 'here').map(({ pathname, hash }) => ({ path: pathname, fragment: hash.slice(1) }));
}

test('every page is there, for everybody, and every link leads to a page and a place that are there', () => {
  expect(pages.size).toBeGreaterThan(30);
  const broken = [...pages].flatMap(([from, { text }]) => linksOf(from, text).filter(({ path, fragment }) => {
    if (!path.startsWith('/docs')) return path !== '/openapi.json';
    const target = pages.get(path);
    return target?.status !== 200 || (fragment !== '' && !target.text.includes(` id="${fragment}"`));
  }).map(({ path, fragment }) => `${from} -> ${path}#${fragment}`));
  expect(broken).toEqual([]);
});

test('a page holds nothing that its policy would refuse: no script, no style of its own, nothing from elsewhere', () => {
  for (const [path, { headers, text }] of [...pages].filter(isPage)) {
    expect([path, headers.get('content-security-policy')]).toEqual([path, expect.stringContaining("default-src 'none'; style-src 'self'")]);
    expect([path, headers.get('content-security-policy')]).toEqual([path, expect.not.stringMatching(/unsafe|script-src|https?:/)]);
    const tags = [...text.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag);
    expect([path, tags.filter((tag) => /^<(script|style|iframe|object|base|form|img)\b| (style|on\w+)=|javascript:/.test(tag))]).toEqual([path, []]);
    expect([path, tags.filter((tag) => /^<link /.test(tag))]).toEqual([path, ['<link rel="stylesheet" href="/docs/style.css">', '<link rel="icon" href="data:,">']]);
  }
});

test('a page names its language, has one first heading, no id twice, and none of the marks of tests', () => {
  for (const [path, { text }] of [...pages].filter(isPage)) {
    expect([path, text]).toEqual([path, expect.stringMatching(/<html lang="en">[^]*<main id="text"/)]);
    expect([path, [...text.matchAll(/<h1[ >]/g)]]).toEqual([path, [expect.anything()]]);
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect([path, ids.filter((id, index) => ids.indexOf(id) !== index)]).toEqual([path, []]);
    expect([path, text]).toEqual([path, expect.not.stringContaining('&lt;!--')]);
  }
});

test('every guide stands in the menu', () => {
  const index = pages.get('/docs')?.text ?? '';
  for (const { slug, title } of readGuides(findRoot())) {
    expect(index).toContain(`href="/docs/${slug}"`);
    expect(title).not.toBe(slug);
  }
});

test.each(Object.keys(ERRORS))('the type of the problem %s leads to its line', async (code) => {
  expect(pages.get('/docs/errors')?.text).toContain(`<tr id="${code}">`);
  if (code !== 'not_found') return;
  const problem = await api.call('GET', '/v1/nothing');
  expect(problem.body.type).toBe('/docs/errors#not_found');
});

test('every operation of the OpenAPI document is described, with its method, path and summary', async () => {
  const { body } = await api.call('GET', '/openapi.json');
  const operations = Object.entries(body.paths as Record<string, Record<string, { operationId: string; tags: string[]; summary: string }>>)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })));
  for (const { operationId, tags, path, method, summary } of operations) {
    const text = pages.get(`/docs/api/${tags[0]}`)?.text ?? '';
    const [, section = ''] = text.split(`<section class="operation" aria-labelledby="${operationId}">`);
    expect(section).toContain(`${method}</span> <code>${path}</code>`);
    expect(section.replace(/<\/?code>/g, '')).toContain(escapeHtml(summary.replaceAll('`', '')));
  }
});

test('a page that has not changed is not sent again', async () => {
  const etag = pages.get('/docs/errors')?.headers.get('etag') ?? '';
  const again = await api.call('GET', '/docs/errors', undefined, { 'if-none-match': etag, 'cache-control': 'max-age=0' });
  expect([again.status, again.text]).toEqual([304, '']);
  const head = await api.call('HEAD', '/docs/errors');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(Buffer.byteLength(pages.get('/docs/errors')?.text ?? ''))]);
});

test('what is not there is told by a page with the menu, and another method by 405', async () => {
  const missing = await api.call('GET', '/docs/%2e%2e/package.json');
  expect([missing.status, missing.headers.get('content-type')]).toEqual([404, expect.stringMatching(/json|html/)]);
  const page = await api.call('GET', '/docs/nothing');
  expect([page.status, page.text]).toEqual([404, expect.stringContaining('There is no such page')]);
  const posted = await api.call('POST', '/docs/errors', {});
  expect([posted.status, posted.headers.get('allow'), posted.body.code]).toEqual([405, 'GET, HEAD', 'method_not_allowed']);
});

test('HTML in Markdown, and in what is put into a page, stays text', () => {
  const { body } = renderMarkdown('<script>alert(1)</script>\n\n[x](javascript:alert(1)) <b onclick="x">b</b>\n\n<!-- run: it -->\n```sh\necho "<b>"\n```\n', (target) => target);
  expect(body.text).not.toMatch(/<(script|b)\b|href="javascript/);
  expect(body.text).not.toContain('run: it');
  expect(html`<p title="${'"><script>'}">${['a & b', null, html`<b>${1}</b>`]}</p>`.text).toBe('<p title="&#34;&#62;&#60;script&#62;">a &#38; b<b>1</b></p>');
});
