import MarkdownIt from 'markdown-it';
import { Html } from './html';

/** A heading of a page. */
export interface Heading {
  readonly id: string;
  readonly text: string;
  readonly level: number;
}

/** A page's body, and its headings for the table of contents. */
export interface Rendered {
  readonly body: Html;
  readonly headings: readonly Heading[];
}

type Tokens = ReturnType<MarkdownIt.MarkdownIt['parse']>;

/** Our marks for tests, such as `<!-- run: recover -->`; a page shows none of them. */
const MARK = /^<!--.*?-->[ \t]*\n?/gms;

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });
markdown.renderer.rules['table_open'] = () => '<div class="table" tabindex="0" role="region" aria-label="Table"><table>\n';
markdown.renderer.rules['table_close'] = () => '</table></div>\n';

/**
 * Markdown as HTML. HTML in it stays text. Headings get the ids that repository hosts give them, so that links work in both places,
 * and a table's row that begins with a name in code gets that name as its id.
 * @param resolve the address of a link's target; null: the link is left out and its text stays.
 */
export function renderMarkdown(text: string, resolve: (target: string) => string | null): Rendered {
  const tokens = markdown.parse(text.replace(MARK, ''), {});
  const ids = new Set<string>();
  const headings = nameHeadings(tokens, ids);
  nameRows(tokens, ids);
  for (const token of tokens) for (const child of token.children ?? []) {
    if (child.type !== 'link_open') continue;
    const address = resolve(String(child.attrGet('href') ?? ''));
    if (address === null) child.attrs = null;
    else child.attrSet('href', address);
  }
  // What scrolls must be reachable by keyboard; text of a page can hold no tag, so each of these is ours.
  const body = markdown.renderer.render(tokens, markdown.options, {}).replaceAll('<pre>', '<pre tabindex="0">');
  return { body: new Html(body), headings };
}

/** The id of a heading: small letters, what is no letter, digit, `-` or `_` left out, spaces as `-`. */
export const slugOf = (heading: string): string =>
  heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');

function nameHeadings(tokens: Tokens, ids: Set<string>): Heading[] {
  return tokens.flatMap((token, index) => {
    if (token.type !== 'heading_open') return [];
    const text = (tokens[index + 1]?.children ?? []).map(({ content }) => content).join('');
    const id = fresh(slugOf(text), ids);
    token.attrSet('id', id);
    return [{ id, text, level: Number(token.tag.slice(1)) }];
  });
}

function nameRows(tokens: Tokens, ids: Set<string>): void {
  tokens.forEach((token, index) => {
    const [cell, inline] = tokens.slice(index + 1, index + 3);
    if (token.type !== 'tr_open' || cell?.type !== 'td_open') return;
    const [only, ...rest] = inline?.children ?? [];
    if (only?.type !== 'code_inline' || rest.length > 0 || !/^[\w.:*-]+$/.test(only.content) || ids.has(only.content)) return;
    ids.add(only.content);
    token.attrSet('id', only.content);
  });
}

function fresh(wanted: string, ids: Set<string>): string {
  let id = wanted;
  for (let n = 1; ids.has(id); n++) id = `${wanted}-${n}`;
  ids.add(id);
  return id;
}
