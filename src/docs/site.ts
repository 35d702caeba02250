import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiDocument } from './api-document';
import { html, type Part } from './html';
import { type MenuGroup, renderPage } from './layout';
import { renderMarkdown } from './markdown';
import { referencePages } from './reference';
import { groupNames, readAttachments, readGuides } from './sources';
import { linkResolver } from './links';

/** A file of the site as it is served. */
export interface Served {
  /** Its media type, with the character set. */
  readonly type: string;
  readonly body: Buffer;
  /** Changes with the body (RFC 9110, `ETag`). */
  readonly etag: string;
}

/** All of the documentation, made once. */
export interface Site {
  /** What is at a path such as `/docs/events`; null: nothing. */
  read(path: string): Served | null;
  /** What is shown where nothing is. */
  readonly missing: Served;
}

const HTML = 'text/html; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';

/** Makes the pages of `/docs` from the Markdown below `root` and from our own OpenAPI document. */
export function createSite(root: string, document: ApiDocument): Site {
  const guides = readGuides(root);
  const attachments = readAttachments(root);
  const references = referencePages(document);
  const resolve = linkResolver(guides, attachments);
  const menu: MenuGroup[] = [
    ...groupNames().map((name) => ({ name, items: guides.filter(({ group }) => group === name).map(({ slug, short }) => ({ href: `/docs/${slug}`, title: short })) })),
    { name: 'API', items: references.map(({ href, title }, index) => ({ href, title: index === 0 ? 'All calls' : title, isChild: index > 0 })) },
  ].filter(({ items }) => items.length > 0);

  const files = new Map<string, Served>();
  const page = (href: string, title: string, body: Part, headings: Parameters<typeof renderPage>[0]['headings'] = []): Served =>
    served(HTML, Buffer.from(renderPage({ href, title, menu, headings, body })));
  for (const guide of guides) {
    const { body, headings } = renderMarkdown(guide.markdown, resolve(guide.file));
    files.set(`/docs/${guide.slug}`, page(`/docs/${guide.slug}`, guide.title, body, headings));
  }
  for (const { href, title, body, headings } of references) files.set(href, page(href, title, body, headings));
  for (const { slug, bytes } of attachments) files.set(`/docs/${slug}`, served(PLAIN, bytes));
  files.set('/docs', page('/docs', 'Posthorn', welcome(menu)));
  files.set('/docs/style.css', served('text/css; charset=utf-8', Buffer.concat(['palette.css', 'style.css'].map((name) => readFileSync(join(__dirname, name))))));
  const missing = page('', 'Not here', html`<h1>There is no such page</h1><p>The menu names those that there are.</p>`);
  return { read: (path) => files.get(path.length > 1 ? path.replace(/\/$/, '') : path) ?? null, missing };
}

const served = (type: string, body: Buffer): Served => ({ type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` });

const welcome = (menu: readonly MenuGroup[]): Part => html`<h1>Posthorn</h1>
<p class="lead">Posthorn tells other people's systems what happened in yours, and does not stop until they have heard it.</p>
<p class="ways"><a class="way" href="/docs/start">Five-minute start</a> <a class="way" href="/docs/api">API</a> <a class="way" href="/docs/verifying">Verify a signature</a></p>
<div class="cards">${menu.map(({ name, items }) => html`<section class="card"><h2>${name}</h2><ul>${
  items.map(({ href, title }) => html`<li><a href="${href}">${title}</a></li>`)}</ul></section>`)}</div>`;

