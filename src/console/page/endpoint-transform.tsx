import { useEffect, useRef, useState } from 'preact/hooks';
import type { Endpoint, Transform } from './answers';
import type { Problem } from './api';
import { asProblem, useConsole } from './context';
import { Card, Empty, Fault, Status } from './parts';
import { TransformTrial } from './transform-trial';

/** Dialects whose endpoints can have none: their bodies tell of attempts, or go out as they came in. */
const WITHOUT = new Set(['chative', 'spektr', 'meta']);
/** Makes the body of the dialect itself: where one begins to write. */
const SAME = '$';

const isSame = (one: Transform | null, other: Transform | null): boolean =>
  one?.expression === other?.expression && one?.enabled === other?.enabled;

/** How the bodies of an endpoint are made: written, tried on a recent event meanwhile, and saved. */
export function TransformSection({ endpoint, onChanged }: { readonly endpoint: Endpoint; readonly onChanged: () => void }) {
  const { api, say } = useConsole();
  const { transform, dialect } = endpoint;
  const [draft, setDraft] = useState<Transform | null>(transform);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const seen = useRef(transform);
  useEffect(() => {
    // What others save is shown, unless it would take away what is being written here.
    const before = seen.current;
    seen.current = transform;
    setDraft((now) => (isSame(now, before) ? transform : now));
  }, [transform?.expression, transform?.enabled]);

  if (WITHOUT.has(dialect)) return <Card title="Transformation"><p class="soft">The bodies of the dialect <code>{dialect}</code> can not be transformed.</p></Card>;
  if (!draft) {
    return (
      <Card title="Transformation">
        <Empty title="Its bodies are those of its dialect"><p>An expression in JSONata makes others of them.</p><button type="button" onClick={() => setDraft({ expression: SAME, enabled: true })}>Write one</button></Empty>
      </Card>
    );
  }
  const change = (to: Transform | null, done: string): void => {
    setBusy(true);
    api.send<Endpoint>('PATCH', `/v1/endpoints/${endpoint.id}`, { transform: to && { language: 'jsonata', expression: to.expression, enabled: to.enabled } }).then(() => {
      setProblem(null);
      setDraft(to);
      say(done);
      onChanged();
    }, (error: unknown) => setProblem(asProblem(error))).finally(() => setBusy(false));
  };
  const discard = (): void => {
    setProblem(null);
    setDraft(transform);
  };
  const isEmpty = draft.expression.trim() === '';
  return (
    <Card title="Transformation" aside={transform ? (transform.enabled ? <Status of="ACTIVE" /> : <span class="soft">kept, but off</span>) : <span class="soft">not saved</span>}>
      <Fault problem={problem} />
      <div class="exchange">
        <form class="rows" onSubmit={(event) => {
          event.preventDefault();
          change(draft, 'The transformation was saved. It holds for what is sent from now on.');
        }}>
          <label>Expression <small class="soft">JSONata; its input is the body of the dialect</small>
            <textarea rows={10} spellcheck={false} value={draft.expression} onInput={(event) => setDraft({ ...draft, expression: event.currentTarget.value })} /></label>
          <label class="choice"><input type="checkbox" checked={draft.enabled} onChange={(event) => setDraft({ ...draft, enabled: event.currentTarget.checked })} />It is used</label>
          <div class="actions">
            <button type="submit" class="main" disabled={isBusy || isEmpty || isSame(draft, transform)}>Save transformation</button>
            {isSame(draft, transform) ? null : <button type="button" disabled={isBusy} onClick={discard}>Discard</button>}
            {transform ? <button type="button" disabled={isBusy} onClick={() => change(null, 'The transformation was removed. Its bodies are those of its dialect again.')}>Remove transformation</button> : null}
          </div>
        </form>
        <TransformTrial expression={isEmpty ? null : draft.expression} dialect={dialect} />
      </div>
    </Card>
  );
}
