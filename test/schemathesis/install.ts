import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Every package with its version and the hashes of its files. */
const REQUIREMENTS = join(__dirname, 'requirements.txt');
/** What the version in REQUIREMENTS runs on. */
const OLDEST_PYTHON = [3, 11];
const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];

/**
 * The Python that has Schemathesis: an environment of its own under ~/.cache/posthorn, made once for these requirements.
 * @throws Error that says what to install where there is no Python of 3.11 or newer, or no way to its packages.
 */
export function findSchemathesis(): string {
  const name = `schemathesis-${createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)}`;
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'posthorn', name);
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, '.complete');
  if (existsSync(stamp)) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run(findPython(), ['-m', 'venv', folder], 'Python can not make an environment: on Debian install the package python3-venv');
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS],
    'Schemathesis could not be installed');
  writeFileSync(stamp, '');
  return python;
}

function findPython(): string {
  const seen: string[] = [];
  for (const candidate of CANDIDATES) {
    const { stdout, status } = spawnSync(candidate, ['-c', 'import sys; print(*sys.version_info[:2])'], { encoding: 'utf8' });
    const version = stdout?.trim().split(' ').map(Number) ?? [];
    if (status !== 0) continue;
    seen.push(`${candidate} ${version.join('.')}`);
    if (isNewEnough(version)) return candidate;
  }
  const there = seen.length === 0 ? 'there is none' : `there is ${seen.join(', ')}`;
  throw new Error(`Python ${OLDEST_PYTHON.join('.')} or newer is needed to run Schemathesis; ${there}. Install it (on Debian: apt-get install python3 python3-venv).`);
}

function isNewEnough([major = 0, minor = 0]: readonly number[]): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST_PYTHON;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function run(command: string, args: readonly string[], whatFailed: string): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', timeout: 300_000 });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(`${whatFailed}: ${stderr.trim() || message}`, { cause: error });
  }
}
