import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The newest that `go install` can build: the module files of later ones carry a `replace`. */
export const TEMPORAL_VERSION = '1.5.1';
const ARCHIVES = 'https://temporal.download/cli/archive';
/** A download that brings nothing for this long is given up, in ms. */
const STALL_MS = 15_000;
const BUILD_MS = 20 * 60_000;
const OLDEST_GO = [1, 25] as const;
const EXECUTABLE = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/** Where it is looked for, and who is told what takes long. */
export interface TemporalCliOptions {
  /** The setting `TEMPORAL_CLI`. */
  readonly path?: string | undefined;
  readonly cacheDir?: string;
  /** The variable `PATH`: where `temporal` and `go` are looked for. */
  readonly searchPath?: string | undefined;
  /** Where versions are downloaded from. */
  readonly archives?: string;
  readonly progress?: (line: string) => void;
}

/**
 * Path of a `temporal` binary that runs: the one of the settings, else one on the PATH, else one installed here before, else
 * one that is downloaded, else one that is built with Go. The last two happen once and take minutes.
 * @throws naming what was tried and the ways out.
 */
export async function findTemporalCli(options: TemporalCliOptions = {}): Promise<string> {
  const { path, searchPath = process.env['PATH'], cacheDir = cacheFolder(), archives = ARCHIVES, progress = () => undefined } = options;
  if (path) {
    if (await runs(path)) return path;
    throw new Error(`TEMPORAL_CLI: ${path} is no temporal binary that runs here (tried: ${path} --version)`);
  }
  for (const folder of searchPath?.split(delimiter).filter(Boolean) ?? []) {
    if (await runs(join(folder, EXECUTABLE))) return join(folder, EXECUTABLE);
  }
  const cached = join(cacheDir, EXECUTABLE);
  if (await runs(cached)) return cached;

  await mkdir(dirname(cacheDir), { recursive: true });
  const half = await mkdtemp(`${cacheDir}.`);
  try {
    progress(`Temporal's dev server is missing: downloading version ${TEMPORAL_VERSION} (once)`);
    const noDownload = await failureOf(() => download(archives, half, progress));
    if (noDownload) {
      progress(`No download (${noDownload}): building it with Go`);
      const noBuild = await failureOf(() => build(half, searchPath, progress));
      if (noBuild) throw new Error(waysOut(noDownload, noBuild, cached));
    }
    await mkdir(cacheDir, { recursive: true });
    await rename(join(half, EXECUTABLE), cached);
    return cached;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** Apart from the data dir, so that it outlives it and serves all of them. */
const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'posthorn', `temporal-${TEMPORAL_VERSION}`);

const waysOut = (noDownload: string, noBuild: string, cached: string): string =>
  [
    "Temporal's dev server is missing and could not be installed:",
    `  download of version ${TEMPORAL_VERSION}: ${noDownload}`,
    `  go install: ${noBuild}`,
    'Do one of these and start again:',
    '  - install the Temporal CLI so that `temporal` is on the PATH (https://docs.temporal.io/cli), or set TEMPORAL_CLI to its path',
    `  - install Go ${OLDEST_GO.join('.')} or newer: it is then built from source`,
    `  - put the binary of another machine at ${cached}`,
    '  - set TEMPORAL_ADDRESS to a Temporal that runs (docker compose up brings one)',
  ].join('\n');

const runs = (binary: string): Promise<boolean> => run(binary, ['--version'], { timeout: 20_000 }).then(() => true, () => false);

const failureOf = (work: () => Promise<void>): Promise<string> =>
  work().then(() => '', (error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return (cause instanceof Error ? cause.message : String(cause)).trim().split('\n').at(-1) || 'failed';
  });

async function download(archives: string, folder: string, progress: (line: string) => void): Promise<void> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const archive = join(folder, 'archive');
  const answer = await open(`${archives}/v${TEMPORAL_VERSION}?platform=${platform}&arch=${arch}`);
  const file = createWriteStream(archive);
  const whole = answer.headers['content-length'] === undefined ? '' : ` of ${megabytes(Number(answer.headers['content-length']))}`;
  const tick = setInterval(() => progress(`  downloading Temporal's dev server: ${megabytes(file.bytesWritten)}${whole} MB`), 3_000);
  await pipeline(answer, file).finally(() => clearInterval(tick));
  await run('tar', ['-xf', archive, '-C', folder]);
  if (!(await runs(join(folder, EXECUTABLE)))) throw new Error('what was downloaded does not run here');
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000);

async function open(url: string, redirects = 5): Promise<IncomingMessage> {
  const request = get(url, { timeout: STALL_MS });
  request.on('timeout', () => request.destroy(new Error(`nothing came for ${STALL_MS / 1000} s`)));
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const { statusCode = 0, headers: { location } } = answer;
  if (statusCode === 200) return answer;
  answer.resume();
  if (location && statusCode < 400 && redirects > 0) return open(new URL(location, url).href, redirects - 1);
  throw new Error(`${new URL(url).host} answered ${statusCode}`);
}

async function build(folder: string, searchPath: string | undefined, progress: (line: string) => void): Promise<void> {
  const env = { ...process.env, PATH: searchPath, GOBIN: folder };
  const { stdout } = await run('go', ['env', 'GOVERSION'], { env }).catch(() => {
    throw new Error('there is no Go on the PATH');
  });
  const [major = 0, minor = 0] = stdout.match(/\d+/g)?.map(Number) ?? [];
  if (major < OLDEST_GO[0] || (major === OLDEST_GO[0] && minor < OLDEST_GO[1])) {
    throw new Error(`Go ${OLDEST_GO.join('.')} or newer is needed (seen: ${stdout.trim()})`);
  }
  const since = Date.now();
  const tick = setInterval(() => progress(`  building Temporal's dev server: ${Math.round((Date.now() - since) / 1000)} s of about 4 minutes`), 15_000);
  const go = spawn('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_VERSION}`], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_MS,
  });
  let said = '';
  go.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const [code] = (await once(go, 'close').finally(() => clearInterval(tick))) as [number | null];
  if (code !== 0) throw new Error(said.trim().split('\n').at(-1) || `go install ended with code ${code}`);
}
