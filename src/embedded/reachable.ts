import { execFile } from 'node:child_process';
import { chmod, chown, cp, lstat, mkdir, mkdtemp, realpath, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { User } from './server-user';

const run = promisify(execFile);
/** Where root keeps what the user of PostgreSQL must reach and can't reach in its place, such as below /root. */
const SHARED = '/var/lib/posthorn';

/**
 * A folder with the PostgreSQL binaries that this user can run: the one given, else a copy of it, made once.
 * @param version names the copy.
 */
export async function reachableBinaries(folder: string, version: string, user: User | null): Promise<string> {
  if (!user || (await canRun(join(folder, 'bin', 'postgres'), user))) return folder;
  const copy = join(SHARED, `postgresql-${version}`);
  if (await canRun(join(copy, 'bin', 'postgres'), user)) return copy;
  await makeShared();
  const half = await mkdtemp(`${copy}.`);
  await cp(folder, half, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'a+rX', half]);
  await rm(copy, { recursive: true, force: true });
  await rename(half, copy).catch(async (error: unknown) => {
    // Another process may have been faster.
    await rm(half, { recursive: true, force: true });
    if (!(await canRun(join(copy, 'bin', 'postgres'), user))) throw error;
  });
  return copy;
}

/**
 * Makes a data dir if it is missing. With a user for PostgreSQL others may pass through it, but not list it: what is in it
 * and is nobody else's business is closed by itself.
 */
export async function makeDataDir(path: string, user: User | null): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made && user) await chmod(path, 0o711);
}

/**
 * Makes the folder `path` if it is missing, owned by `user` and by nobody else to be read. Where that user can't reach it,
 * the folder is made below /var/lib and `path` becomes a link to it.
 * @returns the folder itself, links resolved, and whether it stands elsewhere.
 */
export async function reachableFolder(path: string, user: User | null): Promise<{ folder: string; elsewhere: boolean }> {
  if (await lstat(path).then(() => true, () => false)) {
    const folder = await realpath(path);
    return { folder, elsewhere: dirname(folder) === SHARED };
  }
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (!user) return { folder: path, elsewhere: false };
  await chown(path, user.uid, user.gid);
  if (await canEnter(path, user)) return { folder: path, elsewhere: false };
  await makeShared();
  const folder = await mkdtemp(join(SHARED, 'data-'));
  await chown(folder, user.uid, user.gid);
  await rm(path, { recursive: true });
  await symlink(folder, path);
  return { folder, elsewhere: true };
}

async function makeShared(): Promise<void> {
  await mkdir(SHARED, { recursive: true, mode: 0o755 });
  await chmod(SHARED, 0o755);
}

const canRun = (binary: string, user: User): Promise<boolean> =>
  run(binary, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' }).then(() => true, () => false);

const canEnter = (folder: string, user: User): Promise<boolean> =>
  run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { uid: user.uid, gid: user.gid, cwd: '/' }).then(() => true, () => false);
