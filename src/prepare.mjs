/**
 * Installs the packages and builds, where that is missing or no longer fits the sources. Plain JavaScript without packages, since
 * there are none yet.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = [20, 18, 1];
const SOURCES = ['src', 'workflows', 'activities', 'migrations', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.receiver.json'];
/** Holds the hash of the sources that were built. */
const STAMP = join(root, 'dist', '.built-from');

/**
 * Brings node_modules and dist/ up to date. Ends the process with a message where that fails.
 * @param {(line: string) => void} say told what takes long
 * @param {{ withDev?: boolean }} what whether the packages for tests are needed too
 */
export function prepare(say, { withDev = false } = {}) {
  checkNode();
  const built = hashOfSources();
  const isBuilt = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === built;
  if (!isInstalled(withDev || !isBuilt)) {
    say('Installing the packages (once; about a minute)');
    npm(['ci', '--include=dev', '--include=optional', '--no-fund', '--no-audit'], 'The packages could not be installed');
  }
  if (isBuilt) return;
  say('Building (once; about half a minute)');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  npm(['run', '--silent', 'build'], 'The build failed');
  writeFileSync(STAMP, built);
}

function checkNode() {
  const seen = process.versions.node.split('.').map(Number);
  const differs = OLDEST_NODE.findIndex((part, index) => seen[index] !== part);
  if (differs === -1 || seen[differs] > OLDEST_NODE[differs]) return;
  fail(`Node.js ${OLDEST_NODE.join('.')} or newer is needed (seen: ${process.versions.node}).`);
}

/** Whether every package of the lock is there in its version; those of other platforms never are. */
function isInstalled(withDev) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const there = read(installed);
  return Object.entries(read(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    const mayBeMissing = path === '' || wanted.optional || wanted.devOptional || (wanted.dev && !withDev);
    return there[path] ? there[path].version === wanted.version : mayBeMissing;
  });
}

function hashOfSources() {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((name) => filesOf(name))) hash.update(path).update('\0').update(readFileSync(join(root, path))).update('\0');
  return hash.digest('hex');
}

function filesOf(path) {
  if (!existsSync(join(root, path))) return [];
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).sort().flatMap((name) => filesOf(`${path}/${name}`));
}

/** The npm that runs this, else the one on the PATH. */
function npm(args, whatFailed) {
  const running = process.env.npm_execpath;
  const [command, first] = running && running.endsWith('.js') ? [process.execPath, [running]] : ['npm', []];
  const { status, error } = spawnSync(command, [...first, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${whatFailed} (npm ${args.slice(0, 2).join(' ')}${error ? `: ${error.message}` : ''}).`);
}

/** Ends the process with a message. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
