/**
 * What processes take of the machine, from /proc: of every process below this one, and of PostgreSQL's backends. Where there
 * is no /proc (anything but Linux) nothing is measured.
 */
import { readdir, readFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100;
const PARTS = ['api', 'worker', 'postgres', 'temporal'];
/** A share of one processor below which nothing is going on but timers. */
const QUIET_SHARE = 0.08;
/** This process, and the one that keeps the servers that were given (temporal-server.mjs). */
const ROOTS = [process.pid, Number(process.env.BENCH_SERVERS_PID)].filter(Boolean);

/**
 * The processes below this one that belong to the service, by part. The bench's own are left out.
 * @param {readonly number[]} ownPids of the generator and the receiver
 * @returns {Promise<{ pid: number, part: 'api' | 'worker' | 'postgres' | 'temporal', cpuS: number }[] | null>} null without /proc
 */
export async function serviceProcesses(ownPids) {
  const family = await familyOf(...ROOTS);
  if (family === null) return null;
  const parts = await Promise.all(family.filter(({ pid }) => !ownPids.includes(pid)).map(async (one) => ({ ...one, part: await partOf(one) })));
  return parts.filter(({ part }) => part !== null);
}

/** Processes and all below them; null without /proc. */
async function familyOf(...roots) {
  const names = await readdir('/proc').catch(() => null);
  if (names === null) return null;
  const all = (await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((pid) => statOf(Number(pid))))).filter((one) => one !== null);
  const family = new Set(roots);
  for (let known = 0; known < family.size;) {
    known = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/**
 * Watches what others take of the machine until `stop`, which answers how many processors they kept busy on average; null
 * where that is not known. Figures of a run in which it is not near 0 say little. PostgreSQL and Temporal count as others
 * where they are neither the run's own nor those of temporal-server.mjs.
 */
export async function watchOthers() {
  const look = async () => ({ at: performance.now(), busyS: await machineSeconds(), ownS: (await familyOf(...ROOTS))?.reduce((sum, { withEndedS }) => sum + withEndedS, 0) ?? null });
  const before = await look();
  return {
    async stop() {
      const after = await look();
      if (after.busyS === null || before.busyS === null || after.at - before.at < 1_000) return null;
      const othersS = after.busyS - before.busyS - (after.ownS - before.ownS);
      return Math.max(0, othersS / ((after.at - before.at) / 1_000));
    },
  };
}

/** CPU seconds that all processors together have been busy. */
async function machineSeconds() {
  const text = await readFile('/proc/stat', 'latin1').catch(() => null);
  if (text === null) return null;
  const [user, nice, system, , , irq, softirq, steal] = text.split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** CPU seconds since their start, by part and in all. A backend that has ended is in the sum of its parent. */
export async function cpuSeconds(ownPids) {
  const processes = await serviceProcesses(ownPids);
  if (processes === null) return null;
  const seconds = Object.fromEntries(PARTS.map((part) => [part, 0]));
  for (const { part, cpuS } of processes) seconds[part] += cpuS;
  return { ...seconds, all: Object.values(seconds).reduce((sum, one) => sum + one, 0) };
}

/**
 * Watches the memory until `stop`, which answers the peaks in MiB of all parts together and of each; null without /proc.
 * Memory that is shared counts once.
 */
export function watchMemory(ownPids, everyMs = 1_000) {
  let peak = null;
  const look = async () => {
    const processes = await serviceProcesses(ownPids);
    if (processes === null) return;
    const resident = await Promise.all(processes.map(residentOf));
    const now = { all: residentMiB(resident), ...Object.fromEntries(PARTS.map((part) => [part, residentMiB(resident.filter((one) => one.part === part))])) };
    peak = Object.fromEntries(Object.entries(now).map(([part, mib]) => [part, Math.max(peak?.[part] ?? 0, mib)]));
  };
  let looking = look();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
      return peak;
    },
  };
}

/** Waits until the service does nothing for a second, at most so long. Without /proc: for three seconds. */
export async function untilIdle(ownPids, withinMs, pause) {
  const deadline = performance.now() + withinMs;
  let before = await cpuSeconds(ownPids);
  if (before === null) return pause(3_000);
  while (performance.now() < deadline) {
    await pause(1_000);
    const after = await cpuSeconds(ownPids);
    if (after.all - before.all < QUIET_SHARE) return;
    before = after;
  }
}

async function statOf(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (text === null) return null;
  // The name stands in brackets and may hold anything.
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [own, system, ofEnded, systemOfEnded] = fields.slice(11, 15).map(Number);
  const withEndedS = (own + system + ofEnded + systemOfEnded) / TICKS_PER_SECOND;
  return { pid, parent: Number(fields[1]), name, withEndedS, cpuS: name.startsWith('postgres') ? withEndedS : (own + system) / TICKS_PER_SECOND };
}

async function partOf({ pid, name }) {
  if (name.startsWith('postgres')) return 'postgres';
  if (name.startsWith('temporal')) return 'temporal';
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  if (words.includes('serve')) return 'api';
  return words.includes('work') ? 'worker' : null;
}

/** What a process has in memory, in KiB: its own, what it shares, and what stands in files. */
async function residentOf({ pid, part }) {
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const kib = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0);
  return { part, own: kib('RssAnon'), shared: kib('RssShmem'), file: kib('RssFile') };
}

/** All backends of PostgreSQL have the same files and the same shared memory. */
function residentMiB(resident) {
  const most = (sizes) => sizes.reduce((sum, one) => Math.max(sum, one), 0);
  const backends = resident.filter(({ part }) => part === 'postgres');
  const others = resident.filter(({ part }) => part !== 'postgres');
  const own = resident.reduce((sum, one) => sum + one.own, 0) + others.reduce((sum, { file }) => sum + file, 0);
  return (own + most(resident.map(({ shared }) => shared)) + most(backends.map(({ file }) => file))) / 1024;
}
