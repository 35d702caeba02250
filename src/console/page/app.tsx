import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { createApi } from './api';
import { ConsoleProvider } from './context';
import { openLive } from './live';
import { keepSession, readSession, type Session } from './session';
import { Shell } from './shell';
import { SignIn } from './sign-in';
import { Toast, type Said } from './toast';

/** The whole console: the door, and what is behind it. */
export function App() {
  const [session, setSession] = useState<Session | null>(readSession);
  const [refusal, setRefusal] = useState<string | null>(null);
  const enter = useCallback((next: Session): void => {
    keepSession(next);
    setRefusal(null);
    setSession(next);
  }, []);
  const leave = useCallback((why: string | null): void => {
    keepSession(null);
    setRefusal(why);
    setSession(null);
  }, []);
  return session
    ? <SignedIn key={`${session.key}|${session.workspace}`} session={session} onLeave={leave} />
    : <SignIn refusal={refusal} onEnter={enter} />;
}

function SignedIn({ session, onLeave }: { readonly session: Session; readonly onLeave: (why: string | null) => void }) {
  const [said, setSaid] = useState<Said | null>(null);
  const say = useCallback((text: string, isBad = false) => setSaid({ text, isBad, at: Date.now() }), []);
  const api = useMemo(() => createApi(session, () => onLeave('This key is good no longer.')), [session, onLeave]);
  const live = useMemo(() => openLive(session), [session]);
  useEffect(() => {
    const stop = live.listen((event) => {
      if (event.type === 'closed' && event.reason !== 'ending') onLeave('This key is good no longer.');
    });
    return () => {
      stop();
      live.close();
    };
  }, [live, onLeave]);
  const here = useMemo(() => ({ api, live, say }), [api, live, say]);
  return (
    <ConsoleProvider value={here}>
      <Shell workspace={session.workspace} onLeave={() => onLeave(null)} />
      <Toast said={said} />
    </ConsoleProvider>
  );
}
