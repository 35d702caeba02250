/** Where the Temporal server's binaries and its schema are: built with Go once, then kept. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The one of docker-compose.yml; test/compose.test.ts compares the two. */
export const TEMPORAL_SERVER_VERSION = '1.29.1';
const MODULE = 'go.temporal.io/server';
const PARTS = { 'cmd/server': 'temporal-server', 'cmd/tools/sql': 'temporal-sql-tool' };

const cacheFolder = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'posthorn', `temporal-server-${TEMPORAL_SERVER_VERSION}`);

/**
 * Paths of the server, of the tool that makes its tables, and of the folder with their versions. Built the first time, which
 * takes about 3 minutes and Go 1.25 or newer.
 * @param {(line: string) => void} say
 */
export async function findTemporalServer(say) {
  const folder = cacheFolder();
  const found = { server: join(folder, 'temporal-server'), sqlTool: join(folder, 'temporal-sql-tool'), schema: join(folder, 'schema') };
  const isThere = await Promise.all(Object.values(found).map((path) => access(path))).then(() => true, () => false);
  if (isThere) return found;

  say(`Building Temporal's server ${TEMPORAL_SERVER_VERSION} with Go (once, about 3 minutes)`);
  await mkdir(dirname(folder), { recursive: true });
  const half = await mkdtemp(`${folder}.`);
  try {
    for (const [path, name] of Object.entries(PARTS)) {
      await go(['install', `${MODULE}/${path}@v${TEMPORAL_SERVER_VERSION}`], { ...process.env, GOBIN: half });
      await rename(join(half, path.split('/').at(-1)), join(half, name));
    }
    const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', `${MODULE}@v${TEMPORAL_SERVER_VERSION}`]);
    await cp(join(JSON.parse(stdout).Dir, 'schema', 'postgresql', 'v12'), found.schema.replace(folder, half), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(half, folder);
    return found;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

async function go(args, env) {
  const child = spawn('go', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit').catch((error) => {
    throw new Error(`Temporal's server must be built, and there is no Go on the PATH (${error.message})`);
  });
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with code ${code}`);
}
