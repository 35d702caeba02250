/** Who is signed in: kept by the browser until the tab is closed. */
export interface Session {
  readonly key: string;
  /** Of the root key: the id or name of a workspace; empty: `default`. */
  readonly workspace: string;
}

const NAME = 'posthorn.session';

/** The session of this tab; null: nobody is signed in. */
export function readSession(): Session | null {
  try {
    const { key, workspace } = JSON.parse(sessionStorage.getItem(NAME) ?? 'null') as Session;
    return typeof key === 'string' && typeof workspace === 'string' ? { key, workspace } : null;
  } catch {
    return null;
  }
}

/** Keeps a session, or (null) forgets it. */
export function keepSession(session: Session | null): void {
  if (session) sessionStorage.setItem(NAME, JSON.stringify(session));
  else sessionStorage.removeItem(NAME);
}

/** The headers that say who calls. */
export const headersOf = ({ key, workspace }: Session): Record<string, string> =>
  ({ Authorization: `Bearer ${key}`, ...(workspace !== '' && { 'Posthorn-Workspace': workspace }) });
