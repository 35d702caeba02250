import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from 'koa';
import { AppError } from '../errors';

/** Nothing of the console comes from elsewhere, and nothing in it runs or looks as a page's text says. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    + "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Asked again each time, and answered 304 while nothing has changed.
  'Cache-Control': 'no-cache',
};

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8', 'console.js': 'text/javascript; charset=utf-8', 'console.css': 'text/css; charset=utf-8', 'icon.svg': 'image/svg+xml',
};

interface File {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** Answers `/console` and the files below it, and passes on all else. They are read when they are first asked for. */
export function serveConsole(folder = findFolder()): (ctx: Context, next: () => Promise<unknown>) => Promise<unknown> {
  let files: ReadonlyMap<string, File> | null = null;
  return async (ctx, next) => {
    if (ctx.path !== '/console' && !ctx.path.startsWith('/console/')) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw new AppError('method_not_allowed', `${ctx.path} knows GET, HEAD, not ${ctx.method}.`);
    }
    if (!folder) throw new AppError('not_found', 'The console is not built: run npm run build.');
    files ??= readFiles(folder);
    const file = files.get(ctx.path.slice('/console/'.length) || 'index.html');
    if (!file) throw new AppError('not_found', `There is nothing at ${ctx.path}; the console is at /console.`);
    ctx.status = 200;
    ctx.set({ ...HEADERS, 'Content-Type': file.type, ETag: file.etag });
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = file.body;
  };
}

const readFiles = (folder: string): ReadonlyMap<string, File> => new Map(Object.entries(TYPES).map(([name, type]) => {
  const body = readFileSync(join(folder, name));
  return [name, { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }];
}));

/** `dist/console`, from the sources as from the build; null where it was not built. */
function findFolder(from: string = __dirname): string | null {
  for (const folder of [join(from, 'dist', 'console'), join(from, 'console')]) if (existsSync(join(folder, 'console.js'))) return folder;
  return dirname(from) === from ? null : findFolder(dirname(from));
}
