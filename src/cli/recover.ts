import { parseDuration } from '../domain/duration';
import type { Answered } from './api';
import { apiCommand } from './api-command';
import { required, UsageError, wholeNumber } from './command';
import { exitOf, untilOver } from './jobs';

/** `recover`: deliver what an endpoint did not get. */
export const recoverCommand = apiCommand({
  summary: 'Delivers what an endpoint did not get since a time, as a job whose progress it shows. Exit code 1 unless that is COMPLETED, also where it is stopped before.',
  words: ['endpoint'],
  options: {
    since: { type: 'string', value: 'TIME', describe: 'events made from then on: ISO 8601, or how long ago, such as 90m, 24h, 7d' },
    until: { type: 'string', value: 'TIME', describe: 'events made before then; now unless told' },
    only: { type: 'string', value: 'WHICH', choices: ['failed', 'missing', 'all'], describe: 'failed (given up or cancelled), missing (there is no delivery) or all; failed unless told' },
    rate: { type: 'string', value: 'N', describe: "at most so many a second; as the endpoint's own limits take them unless told" },
    'dry-run': { type: 'boolean', describe: 'only tells how much that is' },
    'no-wait': { type: 'boolean', describe: 'does not wait for the job: exit code 0 once there is one' },
  },
  async run({ words: [id], values }, { api, answer, io }) {
    const now = Date.now();
    const path = `/v1/endpoints/${encodeURIComponent(id ?? '')}/recover`;
    const asked = {
      since: timeOf('since', required('since', values.since), now), ...(values.until !== undefined && { until: timeOf('until', values.until, now) }),
      only: values.only, ...(values.rate !== undefined && { ratePerSecond: wholeNumber('rate', values.rate, 1, 1, 10_000) }),
    };
    if (values['dry-run'] === true) return answer.one(await api.post(path, { ...asked, dryRun: true }));
    const { job } = (await api.post(path, asked)) as { readonly job: Answered };
    io.err(`job ${String(job['id'])}`);
    if (values['no-wait'] === true) return answer.one(job);
    const ended = await untilOver(api, String(job['id']), io);
    answer.one(ended);
    return exitOf(ended);
  },
});

function timeOf(name: string, text: string, now: number): string {
  const ago = parseDuration(text);
  const at = ago === null ? Date.parse(text) : now - ago;
  if (Number.isNaN(at) || (ago === null && !/^\d{4}-/.test(text))) {
    throw new UsageError(`--${name} must be a time such as 2025-11-04T09:30:00Z, or how long ago: 90m, 24h, 7d (seen: ${JSON.stringify(text)})`);
  }
  return new Date(at).toISOString();
}
