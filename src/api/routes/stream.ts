import { z } from 'zod';
import { route, type Route } from '../route';

/** What happens, while it happens. */
export const streamRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/stream', role: 'read', tag: 'stream', streams: true, replyType: 'text/event-stream',
    summary: 'What becomes of deliveries, and which endpoints and rules change, as server-sent events; it hints at what to read and is no log',
    replies: {
      200: z.string().describe(
        'Events `ready`, `resync`, `deliveries`, `endpoint`, `rule`, `channel` and `closed`, each with JSON as its data; see docs/stream.md. '
        + 'The header `Last-Event-ID` goes on where an earlier stream ended, or is answered by `resync`: read again what you show.',
      ),
    },
    handle: async (_input, { header, openStream }) => ({
      status: 200, body: '', stream: await openStream(header('last-event-id')),
      // Proxies shall pass on what comes when it comes.
      headers: { 'X-Accel-Buffering': 'no' },
    }),
  }),
];
