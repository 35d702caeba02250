/** A text without what would drive the terminal; what others wrote is shown by this. Lines and tabs stay. */
export const clean = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** A value as a table shows it: nothing for null, JSON for what has parts. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return clean(typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\n\t]/g, ' ');
}

/** Rows under their headings, in columns; the last one is as long as it is. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const texts = [headings, ...rows.map((row) => row.map(shown))];
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts.map((row) => row.map((text, column) => (column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0))).join('  ').trimEnd());
}

/** The members of an object, a line each; of those that are `undefined` none. */
export function facts(object: Readonly<Record<string, unknown>>): string[] {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...entries.map(([name]) => name.length)) + 2;
  return entries.map(([name, value]) => `${name.padEnd(width)}${shown(value)}`);
}
