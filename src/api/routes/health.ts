import { z } from 'zod';
import { METRICS_TYPE } from '../../metrics/exposition';
import { route, wideRoute, type Route } from '../route';

const tag = 'operations';

/** Longest wait for PostgreSQL's answer before it counts as away, in ms. */
const PATIENCE_MS = 2_000;

const readiness = z.strictObject({ status: z.enum(['ready', 'unavailable']), postgres: z.enum(['ok', 'away']) }).meta({ id: 'Readiness' });

/** The calls that load balancers and Prometheus make. */
export const healthRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/healthz', role: null, tag, summary: 'Whether the process lives',
    replies: { 200: z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' }) },
    handle: () => Promise.resolve({ status: 200, body: { status: 'ok' } }),
  }),
  wideRoute({
    method: 'GET', path: '/readyz', role: null, tag, summary: 'Whether requests can be served: 503 while PostgreSQL is away',
    replies: { 200: readiness, 503: readiness },
    handle: async (_input, { everywhere }) => {
      const answered = await soon(everywhere.query({ text: 'select 1' }));
      return answered
        ? { status: 200, body: { status: 'ready', postgres: 'ok' } }
        : { status: 503, body: { status: 'unavailable', postgres: 'away' }, headers: { 'Retry-After': '1' } };
    },
  }),
  route({
    // It tells of all workspaces, on a port that strangers reach: those who may ask without a key ask at METRICS_PORT.
    method: 'GET', path: '/metrics', role: 'root', tag, summary: 'The metrics of this process, for Prometheus',
    replies: { 200: z.string() }, replyType: METRICS_TYPE,
    handle: async (_input, { metricsText }) => {
      const text = await metricsText();
      return { status: 200, body: text, text };
    },
  }),
];

/** Whether a query ends well in time. */
async function soon(query: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), PATIENCE_MS)));
  try {
    return await Promise.race([query.then(() => true, () => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
