import { z } from 'zod';
import { AppError, invalid } from '../../errors';
import { insertFile, readFile, workspaceOfFile } from '../../store/files';
import { checkFileLink } from '../../wire/file-link';
import { route, wideRoute, type Route } from '../route';
import { idOf, timeOut } from '../schemas/shared';

const tag = 'files';
/** Most bytes of a file. */
const FILE_LIMIT = 10 * 1024 * 1024;
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}(\s*;\s*[a-z0-9-]+=[^\s;]{1,64})*$/i;

// With the flag, since JSON Schema means characters, and an expression without it the halves of some.
const NAME = /^[^\u0000-\u001f/\\\u007f-\u009f]+$/u;

const fileOut = z.strictObject({
  id: idOf('file'), name: z.string().nullable(), contentType: z.string(), size: z.int(), createdAt: timeOut,
}).meta({ id: 'File' });

/** Files that events link to (seed "spektr", `files.clientFiles`). */
export const fileRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/files', role: 'write', tag, summary: 'Keep a file of at most 10 MiB; events link to it by {"fileId": id}',
    query: z.strictObject({ name: z.string().min(1).max(255).regex(NAME, 'must be a name without slashes and control characters').optional() }),
    rawBody: 'application/octet-stream', bodyLimit: FILE_LIMIT, replies: { 201: fileOut },
    handle: async ({ query, bytes }, { caller, deps, header, write }) => {
      const contentType = header('content-type') ?? 'application/octet-stream';
      if (!MEDIA_TYPE.test(contentType)) throw invalid('content-type', 'must be a media type such as application/pdf');
      if (bytes.length === 0) throw invalid('body', 'must not be empty');
      const given = { id: deps.newId('file'), workspaceId: caller.workspaceId, name: query.name ?? null, contentType };
      const file = await write((trx) => insertFile(trx, given, bytes));
      return { status: 201, body: { ...file, createdAt: file.createdAt.toISOString() } };
    },
  }),
  wideRoute({
    method: 'GET', path: '/files/:fileId', role: null, tag, summary: 'Read a file by a link that an event carried; it is good for 24 hours',
    params: z.object({ fileId: idOf('file') }),
    query: z.strictObject({ expires: z.string().regex(/^\d{1,12}$/, 'must be the one of the link'), signature: z.string().max(200) }),
    replies: { 200: z.unknown().meta({ type: 'string', format: 'binary' }) }, replyType: '*/*', problems: [403, 410],
    handle: async ({ params: { fileId }, query }, { deps, everywhere }) => {
      const workspaceId = await workspaceOfFile(everywhere, fileId);
      const link = { workspaceId: workspaceId ?? '', fileId, expires: Number(query.expires), signature: query.signature };
      const worth = checkFileLink(deps.keyRing, link, deps.now());
      // Whether there is such a file is told to nobody without a link to it.
      if (workspaceId === null || worth === 'forged') throw new AppError('bad_link', 'Its signature does not fit: use the link as the event carried it.');
      if (worth === 'expired') throw new AppError('link_expired', 'The link was good for 24 hours from its event.');
      const file = await readFile(everywhere, workspaceId, fileId);
      if (!file) throw new AppError('not_found', `There is no file ${fileId}.`);
      return { status: 200, bytes: file.content, headers: { 'Content-Type': file.contentType, ...asAttachment(file.name ?? fileId) } };
    },
  }),
];

/** Saved, never shown (RFC 6266): a file of a stranger must not run as a page of ours. */
const asAttachment = (name: string): Readonly<Record<string, string>> => ({
  'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)}`,
  'Content-Security-Policy': 'sandbox',
});
