/** A number with its thousands apart. */
export const count = (n: number): string => n.toLocaleString('en');

/** A time in ms as people say it: `12 ms`, `3.4 s`, `2 h`; a dash for none. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** A share (0 to 1) in percent, never rounded up to 100. */
export function share(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const percent = Math.floor(value * 1_000) / 10;
  return `${percent === 100 ? 100 : percent.toFixed(1)} %`;
}

/** Something a second. */
export const rate = (perSecond: number): string => `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;

/** How far away a time is: `12 s ago`, `in 5 min`. */
export function ago(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  if (Math.abs(ms) < 1_500) return 'now';
  const away = Math.abs(ms) < 60_000 ? `${Math.round(Math.abs(ms) / 1_000)} s` : duration(Math.abs(ms));
  return ms > 0 ? `${away} ago` : `in ${away}`;
}

/** `http_error` as `http error`. */
export const words = (code: string): string => code.replaceAll('_', ' ').toLowerCase();

/** JSON as people read it. */
export const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

/** A body as people read it, where it is JSON; else as it is. */
export function prettyText(text: string): string {
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Not the caller's to send: curl sets them. */
const OF_THE_CONNECTION = new Set(['host', 'content-length', 'connection']);

/** A request as a command that makes it again; redacted values are left for you to fill in. */
export function curl(request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string | null }): string {
  const headers = Object.entries(request.headers).filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()));
  return [
    `curl -i ${quoted(request.url)}`,
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `--data-binary ${quoted(request.body ?? '')}`,
  ].join(' \\\n  ');
}
