import { useState } from 'preact/hooks';
import { createApi, type Problem } from './api';
import { asProblem } from './context';
import { Fault } from './parts';
import type { Session } from './session';

/** The door: a key, and for the root key a workspace. */
export function SignIn({ refusal, onEnter }: { readonly refusal: string | null; readonly onEnter: (session: Session) => void }) {
  const [key, setKey] = useState('');
  const [workspace, setWorkspace] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isTrying, setTrying] = useState(false);

  const enter = (event: SubmitEvent): void => {
    event.preventDefault();
    const session = { key: key.trim(), workspace: workspace.trim() };
    setTrying(true);
    createApi(session, () => undefined).get('/v1/endpoints?limit=1')
      .then(() => onEnter(session), (error: unknown) => setProblem(asProblem(error)))
      .finally(() => setTrying(false));
  };

  return (
    <main class="door">
      <form onSubmit={enter} class="card">
        <h1><img src="/console/icon.svg" alt="" width="28" height="28" /> Posthorn</h1>
        <p class="soft">Sign in with an API key. It stays in this tab, and is forgotten when you close it.</p>
        {refusal && !problem ? <p class="fault" role="alert">{refusal}</p> : null}
        <Fault problem={problem} />
        <label>API key<input type="password" name="key" autoComplete="off" spellcheck={false} required value={key} onInput={(event) => setKey(event.currentTarget.value)} /></label>
        <label>Workspace <small class="soft">for the root key; else leave it empty</small>
          <input name="workspace" autoComplete="off" spellcheck={false} placeholder="default" value={workspace} onInput={(event) => setWorkspace(event.currentTarget.value)} /></label>
        <button type="submit" class="main" disabled={isTrying}>{isTrying ? 'Looking…' : 'Sign in'}</button>
        <p class="soft small-text">The first start of Posthorn printed the root key. A key for looking has the role <code>read</code>; for switching endpoints it needs <code>write</code>.</p>
      </form>
    </main>
  );
}
