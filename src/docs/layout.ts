import { Html, html, type Part } from './html';
import type { Heading } from './markdown';

/** A line of the menu. */
export interface MenuItem {
  readonly href: string;
  readonly title: string;
  /** Shown one step to the right. */
  readonly isChild?: boolean;
}

/** A part of the menu under a name. */
export interface MenuGroup {
  readonly name: string;
  readonly items: readonly MenuItem[];
}

/** What a page is made of. */
export interface PageParts {
  readonly href: string;
  readonly title: string;
  readonly menu: readonly MenuGroup[];
  readonly headings: readonly Heading[];
  readonly body: Part;
}

/**
 * A whole page. It has no script, and its one style sheet is ours: the policy of `/docs` allows nothing else. On a phone the
 * menu stands below the text, and the link in the header leads there.
 */
export function renderPage({ href, title, menu, headings, body }: PageParts): string {
  const items = menu.flatMap(({ items: all }) => all);
  const place = items.findIndex((item) => item.href === href);
  const contents = headings.filter(({ level }) => level === 2);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title === 'Posthorn' ? 'Posthorn: documentation' : `${title} - Posthorn`}</title>
<link rel="stylesheet" href="/docs/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header class="bar"><a class="brand" href="/docs">Posthorn</a><span class="where">documentation</span>
<a class="to-menu" href="#menu">Menu</a><a class="to-api" href="/docs/api">API</a></header>
<div class="frame">
<nav id="menu" class="menu" aria-label="Pages">${menu.map((group) => menuGroup(group, href))}</nav>
<main id="text" tabindex="-1">
${body}
${place === -1 ? null : neighbours(items[place - 1], items[place + 1])}
</main>
${contents.length < 2 ? null : html`<nav class="contents" aria-label="On this page"><h2>On this page</h2><ul>${
  contents.map(({ id, text }) => html`<li><a href="#${id}">${text}</a></li>`)}</ul></nav>`}
</div>
</body>
</html>
`.text;
}

const menuGroup = ({ name, items }: MenuGroup, here: string): Html => html`<h2>${name}</h2><ul>${
  items.map(({ href, title, isChild }) => html`<li${isChild ? new Html(' class="child"') : null}><a href="${href}"${href === here ? new Html(' aria-current="page"') : null}>${title}</a></li>`)}</ul>`;

const neighbours = (before: MenuItem | undefined, after: MenuItem | undefined): Html => html`<nav class="neighbours" aria-label="Neighbouring pages">${
  before ? html`<a rel="prev" href="${before.href}"><small>Before</small>${before.title}</a>` : html`<span></span>`}${
  after ? html`<a rel="next" href="${after.href}"><small>Next</small>${after.title}</a>` : null}</nav>`;
