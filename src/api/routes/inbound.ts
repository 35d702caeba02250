import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { isVerifyToken, receive, requireChannel, requireSignature } from '../../commands/receive';
import { AppError } from '../../errors';
import { wideRoute, type Route } from '../route';
import { challengeQuery } from '../schemas/channel';
import { idOf } from '../schemas/shared';
import { takeApart } from '../take-apart';

const tag = 'channels';
const params = z.object({ channelId: idOf('channel') });
/** Most bytes of a request: Meta sends up to 3 MB. */
const BODY_LIMIT = 4 * 1024 * 1024;

/** What Meta calls: neither of these has an API key. */
export const inboundRoutes: readonly Route[] = [
  wideRoute({
    method: 'GET', path: '/inbound/:channelId', role: null, tag, summary: "Answer Meta's challenge where it names the channel's verify token",
    params, query: challengeQuery, replies: { 200: z.string() }, replyType: 'text/plain', problems: [403],
    handle: async ({ params: { channelId }, query }, { deps, everywhere }) => {
      const channel = await requireChannel(everywhere, channelId);
      if (!isVerifyToken(deps, channel, query['hub.verify_token'])) {
        throw new AppError('wrong_verify_token', "hub.verify_token is not the channel's verify token.");
      }
      const challenge = query['hub.challenge'];
      return { status: 200, body: challenge, text: challenge };
    },
  }),
  wideRoute({
    method: 'POST', path: '/inbound/:channelId', role: null, tag, summary: 'Take what Meta sends; answered when it is stored, and stored once',
    params, bodyLimit: BODY_LIMIT, rawBody: 'application/json', problems: [401], replies: { 200: null },
    handle: async ({ params: { channelId }, bytes }, { deps, header, everywhere, writeOneAnywhere }) => {
      const channel = await requireChannel(everywhere, channelId);
      const signature = header('x-hub-signature-256');
      requireSignature(deps, channel, bytes, signature);
      const body = textOf(bytes);
      const received = { body, signature: sendable(signature), items: takeApart(body) };
      await writeOneAnywhere((sql) => receive(deps, sql, channel, received));
      return { status: 200 };
    },
  }),
];

/** @throws AppError 400 for bytes that are no JSON in UTF-8. */
function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new AppError('malformed_json', 'The body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new AppError('malformed_json', `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A channel without an app secret takes any signature; one that no header of ours could hold is not passed on. */
const sendable = (signature: string | undefined): string | null => (signature && /^[!-~]{1,256}$/.test(signature) ? signature : null);
