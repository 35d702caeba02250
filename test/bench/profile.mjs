/** Where the processor time of the service goes, by function: read from what `node --cpu-prof` wrote. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const MOST_FUNCTIONS = 30;
/** What V8 names so is no function: the thread waits. */
const IDLE = '(idle)';

/** The options with which a process writes profiles of all its threads into this folder when it ends. */
export const profileOptions = (folder, command) => ['--cpu-prof', `--cpu-prof-dir=${join(folder, command)}`];

/**
 * The functions of a process that took most of the time by themselves, as text; all its threads together.
 * @param {string} folder with the profiles of the process; of several, they are added up
 * @returns {string | null} null where there are none
 */
export function profileSummary(title, folder) {
  const files = readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) return null;
  const selfMs = new Map();
  for (const file of files) addSelfTimes(selfMs, JSON.parse(readFileSync(join(folder, file), 'utf8')));
  const busyMs = [...selfMs].reduce((sum, [name, ms]) => sum + (name === IDLE ? 0 : ms), 0);
  const first = [...selfMs].filter(([name]) => name !== IDLE).sort((a, b) => b[1] - a[1]).slice(0, MOST_FUNCTIONS);
  return [
    `${title}: ${(busyMs / 1_000).toFixed(1)} s of processor time in JavaScript's threads, by function (self time)`,
    ...first.map(([name, ms]) => `${`${((ms / busyMs) * 100).toFixed(1)} %`.padStart(7)}  ${`${Math.round(ms)} ms`.padStart(9)}  ${name}`),
  ].join('\n');
}

/** Adds the time of each sample to the function that was on top of the stack. */
function addSelfTimes(selfMs, { nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  samples.forEach((id, n) => {
    // A sample lasts until the next one.
    const ms = Math.max(0, timeDeltas[n + 1] ?? 0) / 1_000;
    selfMs.set(names.get(id), (selfMs.get(names.get(id)) ?? 0) + ms);
  });
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url.replace(/^file:\/\//, '').replace(`${root}/`, '');
  return `${functionName || '(anonymous)'}${place ? `  ${place}:${lineNumber + 1}` : ''}`;
}
