/** Text that is HTML already; all else is escaped where it is put in. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may be put into HTML: text is escaped, nothing (null, false) leaves no trace, lists are joined. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/** HTML with values put in, each escaped unless it is {@link Html}. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.map((text, index) => text + (index < values.length ? textOf(values[index]) : '')).join(''));
}

/** Text as it must stand in HTML, inside an attribute's quotes too. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escapeHtml(part);
  return typeof part === 'number' ? String(part) : part.map(textOf).join('');
}
