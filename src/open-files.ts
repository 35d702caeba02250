/** What a process has open besides its connections to receivers and its database pools: libraries, threads, servers, Temporal. */
const OWN_FILES = 80;
const FEWEST_CONNECTIONS = 20;

/**
 * How many connections to receivers a process may hold at once: as many as it may open files (`ulimit -n`, which Node.js raises as far
 * as the system lets it), less what it needs itself. A process that has none left can not even run a workflow: Node.js ends it.
 * @param pooled its connections to the database, at most.
 * @throws Error where so few would be left that it could not work.
 */
export function roomForConnections(pooled: number, limit = openFileLimit()): number {
  const room = limit - OWN_FILES - pooled;
  if (room < FEWEST_CONNECTIONS) {
    throw new Error(`This process may open ${limit} files, and needs at least ${OWN_FILES + pooled + FEWEST_CONNECTIONS}: raise the limit, such as by "ulimit -n 4096".`);
  }
  return room;
}

function openFileLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
