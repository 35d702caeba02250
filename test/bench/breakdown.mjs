/** Where the time of a delivery goes, by the service's own metrics: what they count in a case is the difference of two looks. */
import { columns } from './table.mjs';

/** In the order in which a delivery goes through them. */
const STAGES = ['ack', 'relay_wait', 'plan', 'sign', 'post', 'record', 'workflow_start'];
const LINE = /^posthorn_stage_duration_seconds_(sum|count)\{stage="(\w+)"\} (\S+)$/gm;

/**
 * Seconds spent and times counted so far, by process and stage.
 * @typedef {Map<number, Record<string, { sum: number, count: number }>>} Look
 * @returns {Promise<Look | null>} null where a process did not tell
 */
export async function lookAtStages({ metrics }) {
  try {
    return new Map([...await metrics()].map(([pid, text]) => [pid, stagesIn(text)]));
  } catch {
    return null;
  }
}

function stagesIn(text) {
  const stages = {};
  for (const [, what, stage, value] of text.matchAll(LINE)) stages[stage] = { ...stages[stage], [what]: Number(value) };
  return stages;
}

/**
 * The mean of each stage between two looks.
 * @param {Look | null} before
 * @param {Look | null} after
 * @returns {Record<string, { meanMs: number, count: number }> | null} null where a process was started in between
 */
export function stagesBetween(before, after) {
  if (before === null || after === null || [...after.keys()].some((pid) => !before.has(pid))) return null;
  const spent = (stage) => {
    const sums = { sum: 0, count: 0 };
    for (const [pid, stages] of after) {
      for (const what of ['sum', 'count']) sums[what] += (stages[stage]?.[what] ?? 0) - (before.get(pid)[stage]?.[what] ?? 0);
    }
    return sums;
  };
  return Object.fromEntries(STAGES.map((stage) => [stage, spent(stage)]).filter(([, { count }]) => count > 0)
    .map(([stage, { sum, count }]) => [stage, { meanMs: (sum * 1_000) / count, count }]));
}

/** The means of all cases as a table; null where no case has any. */
export function stageTable(results) {
  const told = results.filter(({ stages }) => stages !== null && Object.keys(stages).length > 0);
  if (told.length === 0) return null;
  const rows = told.map(({ name, stages }) => [...STAGES.map((stage) => (stages[stage] ? stages[stage].meanMs.toPrecision(3) : '')), name]);
  return ['Where the time goes, by the service\'s own metrics: means in ms', columns([...STAGES.map((stage) => stage.replace('_', ' ')), 'case'], rows)].join('\n');
}
