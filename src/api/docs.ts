import type { Context } from 'koa';
import type { ApiDocument } from '../docs/api-document';
import { createSite, type Site } from '../docs/site';
import { findRoot } from '../docs/sources';
import { AppError } from '../errors';

/** The pages have no script, and nothing of them comes from elsewhere. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Asked again each time, and answered 304 while nothing has changed.
  'Cache-Control': 'no-cache',
};

/** Answers `/docs` and what is below it, and passes on all else. @param document our OpenAPI document, made when a page is first asked for. */
export function serveDocs(document: () => ApiDocument): (ctx: Context, next: () => Promise<unknown>) => Promise<unknown> {
  let site: Site | null = null;
  return async (ctx, next) => {
    if (ctx.path !== '/docs' && !ctx.path.startsWith('/docs/')) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw new AppError('method_not_allowed', `${ctx.path} knows GET, HEAD, not ${ctx.method}.`);
    }
    site ??= createSite(findRoot(), document());
    const found = site.read(ctx.path);
    const { type, body, etag } = found ?? site.missing;
    ctx.status = found ? 200 : 404;
    ctx.set({ ...HEADERS, 'Content-Type': type, ETag: etag });
    if (found && ctx.fresh) ctx.status = 304;
    else ctx.body = body;
  };
}
