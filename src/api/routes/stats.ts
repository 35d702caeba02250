import { invalid, notFound } from '../../errors';
import { findEndpoint } from '../../store/endpoints';
import { readStats, readWorkspaceHealth, WHOLE } from '../../store/stats';
import { presentStats } from '../present-stats';
import { route, type Route } from '../route';
import { statsOut, statsQuery } from '../schemas/stats';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Most days of one answer: more than two thousand hours tell nobody anything. */
const MOST_DAYS = 92;

/** Counts and rates by hour. */
export const statsRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/stats', role: 'read', tag: 'stats', summary: 'Counts, rates and times by hour, of the workspace or of one endpoint, and what is held or fails now',
    query: statsQuery, replies: { 200: statsOut },
    handle: async ({ query }, { deps, read, caller: { workspaceId } }) => {
      const { endpointId = null } = query;
      const now = deps.now();
      const until = query.until && query.until < now ? query.until : now;
      const from = query.since ?? new Date(until.getTime() - DAY_MS);
      if (from >= until) throw invalid('since', 'must be before until, and in the past');
      if (until.getTime() - from.getTime() > MOST_DAYS * DAY_MS) throw invalid('since', `must be at most ${MOST_DAYS} days before until`);
      const since = new Date(Math.floor(from.getTime() / HOUR_MS) * HOUR_MS);
      const body = await read(async (sql) => {
        if (endpointId !== null && !(await findEndpoint(sql, workspaceId, endpointId))) throw notFound('endpoint', endpointId);
        const rows = await readStats(sql, workspaceId, endpointId ?? WHOLE, since, until);
        return presentStats({ since, until, endpointId }, rows, await readWorkspaceHealth(sql, workspaceId, endpointId));
      });
      return { status: 200, body };
    },
  }),
];
