import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A user of this machine. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who PostgreSQL runs as: it refuses root. Null: as whoever runs this process.
 * For root the user `postgres` or `posthorn`, which is made where neither exists.
 * @throws where none exists and none can be made, naming the ways out.
 */
export async function postgresUser(): Promise<User | null> {
  if (process.getuid?.() !== 0) return null;
  const known = (await findUser('postgres')) ?? (await findUser('posthorn'));
  if (known) return known;
  const failure = await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', '--user-group', 'posthorn'])
    .then(() => null, (error: Error) => error.message.trim());
  const made = await findUser('posthorn');
  if (made) return made;
  throw new Error(
    'PostgreSQL refuses to run as root, there is no user "postgres" or "posthorn", and useradd could not make one ' +
      `(${failure ?? 'no entry in /etc/passwd'}). Make such a user, start this as another user than root, or set DATABASE_URL.`,
  );
}

async function findUser(name: string): Promise<User | null> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : null;
}
