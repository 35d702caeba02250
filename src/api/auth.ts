import { randomBytes, timingSafeEqual } from 'node:crypto';
import { DEFAULT_WORKSPACE, hashKey } from '../commands/manage-keys';
import type { Deps } from '../deps';
import { AppError, notFound } from '../errors';
import { findApiKey, touchApiKey, type StoredRole } from '../store/api-keys';
import { findWorkspace } from '../store/workspaces';
import type { Caller, Role, Route } from './route';
import { createRateLimit } from './rate-limit';

/** What of a request says who calls. */
export interface Credentials {
  /** Where the connection comes from. */
  readonly address: string;
  /** The header `Authorization`. */
  readonly authorization: string | undefined;
  /** The header `Posthorn-Workspace`: an id or a name. */
  readonly workspace: string | undefined;
}

/** What is known of a caller's key before anything is asked: it was good before, it is being looked up for another call, or neither. */
export type Standing = 'good' | 'asked' | 'unknown';

/** Credentials that were looked at. */
export interface Met {
  readonly standing: Standing;
  readonly credentials: Credentials;
  /** The root key, or what another is found by; null where the header holds none. */
  readonly key: KnownKey | Presented | null;
}

/** Who calls, and whether they may. */
export interface Auth {
  /** Looks at credentials, at once and without a query. */
  meet(credentials: Credentials): Met;
  /** @throws AppError 401 without a valid key, 403 where its role is not enough, 404 for a workspace that is not its own, 429. */
  authenticate(met: Met, route: Route): Promise<Caller>;
  /** Refuses a key that was revoked from now on, also where it was just looked up. */
  refuse(keyId: string): void;
  /** Whether they may still, for a call that lasts: no request is counted. @throws AppError 401, 403 or 404 where not. */
  confirm(credentials: Credentials, route: Route): Promise<void>;
}

/** How long a key that was looked up is trusted, in ms: a revoked one works that much longer in other processes. */
const TRUSTED_MS = 1_000;
/** How often at most a key's last use is written, in ms. */
const TOUCH_MS = 60_000;
/** Keys remembered at most; beyond that all are forgotten and looked up anew. */
const MAX_REMEMBERED = 10_000;
/** Wrong keys that one address may send in a second: each costs a query. */
const WRONG_PER_SECOND = 100;
/** What an unknown key is compared with. */
const NOBODYS_HASH = randomBytes(32);
const BEARER = /^Bearer +([\x21-\x7e]{16,512})$/i;

/** A key as it is found: by its SHA-256, of which `name` is the text. */
interface Presented {
  readonly hash: Buffer;
  readonly name: string;
}

interface KnownKey {
  readonly id: string;
  readonly role: StoredRole;
  readonly workspaceId: string | null;
  readonly workspaceName: string | null;
}

interface Remembered {
  readonly key: Promise<KnownKey | null>;
  readonly until: number;
}

/** The key of POSTHORN_ROOT_KEY, which stands in no table. */
const ROOT: KnownKey = { id: 'root', role: 'root', workspaceId: null, workspaceName: null };

/** Checks keys against the configured root key and the table of keys. */
export function createAuth({ db, config, log, now }: Pick<Deps, 'db' | 'config' | 'log' | 'now'>): Auth {
  const rootHash = config.POSTHORN_ROOT_KEY === undefined ? null : hashKey(config.POSTHORN_ROOT_KEY);
  const known = new Map<string, Remembered>();
  const refused = new Set<string>();
  const touched = new Map<string, number>();
  const workspaceIds = new Map<string, string>();
  /** Keys that were good once are looked up whatever others behind the same address send. */
  const good = new Set<string>();
  const wrong = createRateLimit(WRONG_PER_SECOND, `An address may send ${WRONG_PER_SECOND} wrong keys a second.`);
  const limit = config.API_RATE_PER_SECOND === undefined ? null : createRateLimit(config.API_RATE_PER_SECOND, `This key may make ${config.API_RATE_PER_SECOND} requests a second.`);

  const read = async (hash: Buffer): Promise<KnownKey | null> => {
    const row = await findApiKey(db, hash);
    // A key that is unknown takes the same steps.
    if (!timingSafeEqual(row?.hash ?? NOBODYS_HASH, hash) || !row) return null;
    return { id: row.id, role: row.role, workspaceId: row.workspace_id, workspaceName: row.workspace_name };
  };

  const meet = (credentials: Credentials): Met => {
    const text = BEARER.exec(credentials.authorization ?? '')?.[1];
    if (text === undefined) return { standing: 'unknown', credentials, key: null };
    const hash = hashKey(text);
    if (rootHash && timingSafeEqual(rootHash, hash)) return { standing: 'good', credentials, key: ROOT };
    const name = hash.toString('base64');
    return { standing: good.has(name) ? 'good' : known.has(name) ? 'asked' : 'unknown', credentials, key: { hash, name } };
  };

  /** A key that was never good counts as a wrong one until it is found: of many at once none is looked up beyond the limit. */
  const readCounted = (hash: Buffer, address: string, at: number): Promise<KnownKey | null> => {
    wrong.take(address, at);
    const key = read(hash);
    key.then((found) => found && wrong.giveBack(address), () => wrong.giveBack(address));
    return key;
  };

  /** What is being looked up is remembered too: requests that come at once share one query. */
  const lookUp = async ({ hash, name }: Presented, address: string): Promise<KnownKey | null> => {
    const at = now().getTime();
    const remembered = known.get(name);
    if (remembered && remembered.until > at) return remembered.key;
    const key = good.has(name) ? read(hash) : readCounted(hash, address, at);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(name, { key, until: at + TRUSTED_MS });
    const forget = (): void => void known.delete(name);
    key.then((found) => found ?? forget(), forget);
    const found = await key;
    if (found && good.size >= MAX_REMEMBERED) good.clear();
    if (found) good.add(name);
    else good.delete(name);
    return found;
  };

  const touch = (key: KnownKey): void => {
    const at = now().getTime();
    if (key === ROOT || at - (touched.get(key.id) ?? 0) < TOUCH_MS) return;
    if (touched.size >= MAX_REMEMBERED) touched.clear();
    touched.set(key.id, at);
    touchApiKey(db, key.id).catch((err: unknown) => log.warn({ err, keyId: key.id }, "a key's last use was not noted"));
  };

  /** Workspaces are never renamed or removed, so that what was found stays true. */
  const workspaceIdOf = async (idOrName: string): Promise<string> => {
    const remembered = workspaceIds.get(idOrName);
    if (remembered !== undefined) return remembered;
    const row = await findWorkspace(db, idOrName);
    if (!row) throw notFound('workspace', idOrName);
    if (workspaceIds.size >= MAX_REMEMBERED) workspaceIds.clear();
    workspaceIds.set(idOrName, row.id);
    return row.id;
  };

  const workspaceOf = async (key: KnownKey, wanted: string | undefined): Promise<string> => {
    if (key.workspaceId === null) return workspaceIdOf(wanted ?? DEFAULT_WORKSPACE);
    if (wanted !== undefined && wanted !== key.workspaceId && wanted !== key.workspaceName) throw notFound('workspace', wanted);
    return key.workspaceId;
  };

  const keyOf = async ({ key: shown, credentials: { address } }: Met): Promise<KnownKey> => {
    const key = shown && 'hash' in shown ? await lookUp(shown, address) : shown;
    if (!key || refused.has(key.id)) throw new AppError('unauthorized', 'The header must be "Authorization: Bearer <api key>" with a key that was not revoked.');
    return key;
  };

  const requireRole = (key: KnownKey, route: Route): void => {
    if (mayCall(key.role, route)) return;
    throw new AppError('forbidden', `This call needs the role ${neededRole(route)}; this key has the role ${key.role}.`);
  };

  return {
    meet,
    async authenticate(met, route) {
      const key = await keyOf(met);
      limit?.take(key.id, now().getTime());
      touch(key);
      requireRole(key, route);
      return {
        workspaceId: await workspaceOf(key, met.credentials.workspace),
        role: key.role === 'root' ? 'admin' : key.role,
        keyId: key.id,
        isRoot: key.role === 'root',
      };
    },
    refuse(keyId) {
      // Those of long ago are forgotten by all that remembers them.
      if (refused.size >= MAX_REMEMBERED) refused.clear();
      refused.add(keyId);
    },
    async confirm(credentials, route) {
      const key = await keyOf(meet(credentials));
      requireRole(key, route);
      await workspaceOf(key, credentials.workspace);
    },
  };
}

const RANK: Readonly<Record<Exclude<Role, 'publish'> | 'root', number>> = { read: 1, write: 2, admin: 3, root: 4 };

/** Whether a key of this role may make the call. A route of role `publish` is open to `publish`, `write` and above. */
export function mayCall(role: StoredRole, route: Pick<Route, 'role'>): boolean {
  if (route.role === null || role === 'root') return true;
  if (route.role === 'publish') return role !== 'read';
  return role !== 'publish' && RANK[role] >= RANK[route.role];
}

const neededRole = ({ role }: Pick<Route, 'role'>): string => (role === 'publish' ? 'publish, write or admin' : String(role));
