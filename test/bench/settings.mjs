/** What is to be measured, and how: from the command line and the environment. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The command line or a setting is not one that the bench understands: exit code 2. */
export class UsageError extends Error {}

/**
 * @param {readonly string[]} argv case names, `all`, `--profile`
 * @param {readonly { name: string, isLong?: true }[]} known
 * @throws {UsageError} telling what was seen and what is allowed
 */
export function readSettings(argv, known, env = process.env) {
  const names = argv.filter((word) => !word.startsWith('--'));
  const unknown = [...names.filter((name) => name !== 'all' && !known.some((one) => one.name === name)), ...argv.filter((word) => word.startsWith('--') && word !== '--profile')];
  if (unknown.length > 0) throw new UsageError(`There is no ${unknown.join(', ')}; there are all, ${known.map(({ name }) => name).join(', ')}, --profile and --help`);
  const isAll = names.includes('all');
  return {
    cases: known.filter(({ name, isLong }) => isAll || (names.length === 0 ? !isLong : names.includes(name))),
    workers: number(env, 'BENCH_WORKERS', 1, (value) => Number.isInteger(value) && value >= 1 && value <= 16, 'a whole number from 1 to 16'),
    /** Share of the sizes that the cases have; below 1 to try the bench, not to measure. */
    scale: number(env, 'BENCH_SCALE', 1, (value) => value > 0 && value <= 1, 'a number above 0, at most 1'),
    isProfiled: argv.includes('--profile') || env.BENCH_PROFILE === '1',
    resultsFile: env.BENCH_RESULTS?.trim() || join(root, 'bench-results.json'),
    profilesFolder: join(root, 'bench-profiles'),
  };
}

function number(env, name, otherwise, isRight, allowed) {
  const text = env[name]?.trim();
  if (!text) return otherwise;
  if (!isRight(Number(text))) throw new UsageError(`${name} must be ${allowed} (seen: ${JSON.stringify(text)})`);
  return Number(text);
}

/** What `--help` says. */
export const helpText = (known) => [
  'npm run bench [-- case...] [--profile]', '',
  ...known.map(({ name, summary, isLong }) => `  ${name.padEnd(11)}${summary}${isLong ? ' (long: only by name or with "all")' : ''}`), '',
  'Without a name: all but the long ones. --profile: also where the processor time goes, by function and by statement.',
  'BENCH_WORKERS=2 measures with two workers; BENCH_SCALE=0.01 makes every case a hundredth, to try it out.',
].join('\n');
