import { useState } from 'preact/hooks';
import type { Endpoint, Health } from './answers';
import { asProblem, useConsole } from './context';
import { count, duration, words } from './format';
import { Code, Confirmed, Status } from './parts';

interface TestResult {
  readonly statusCode: number | null;
  readonly durationMs: number;
  readonly outcome: string;
  readonly error: string | null;
  readonly responseBody: string;
}

/** What may be done with an endpoint by hand. */
export function EndpointActions({ endpoint, health, onChanged }: { readonly endpoint: Endpoint; readonly health: Health | null; readonly onChanged: () => void }) {
  const { api, say } = useConsole();
  const [result, setResult] = useState<TestResult | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const path = `/v1/endpoints/${endpoint.id}`;

  const act = <T,>(call: string, body: object, done: string | null, after?: (answer: T) => void): void => {
    setBusy(true);
    api.send<T>('POST', `${path}/${call}`, body).then((answer) => {
      if (done) say(done);
      after?.(answer);
      onChanged();
    }, (error: unknown) => say(asProblem(error).message, true)).finally(() => setBusy(false));
  };
  const isOff = endpoint.status === 'DEACTIVATED';
  const held = health?.held ?? 0;
  const isHeldBack = !isOff && held > 0 && health?.drainPaused;

  return (
    <>
      <div class="actions" role="group" aria-label="What may be done">
        {isOff
          ? <button type="button" class="main" disabled={isBusy} onClick={() => act('reactivate', { drain: true }, held > 0 ? `Reactivated: ${count(held)} held deliveries leave now.` : 'Reactivated.')}>Reactivate{held > 0 ? ` and send ${count(held)} held` : ''}</button>
          : <Confirmed label="Deactivate" question="Stop calling this endpoint? What it is owed is held until you reactivate it." disabled={isBusy} onYes={() => act('deactivate', { reason: 'by hand in the console' }, 'Deactivated: what it is owed is held.')} />}
        {endpoint.status === 'FAILING' ? <button type="button" disabled={isBusy} onClick={() => act('reactivate', { drain: true }, 'It is called again.')}>Call it again now</button> : null}
        {isOff && held > 0 ? <button type="button" disabled={isBusy} onClick={() => act('reactivate', { drain: false }, 'Reactivated: what is held stays held.')}>Reactivate, keep what is held</button> : null}
        {isHeldBack ? <button type="button" class="main" disabled={isBusy} onClick={() => act('drain', { action: 'start' }, 'What is held leaves now.')}>Send {count(held)} held</button> : null}
        <button type="button" disabled={isBusy} onClick={() => act<TestResult>('test', {}, null, setResult)}>Send a test</button>
        <Confirmed label="Rotate secret" question="Give it a new signing secret? The old one signs beside it for a day." disabled={isBusy} onYes={() => act<{ secret: string }>('rotate-secret', {}, 'The secret was rotated.', (answer) => setSecret(answer.secret))} />
      </div>
      {result ? (
        <div class="note" role="status">
          <p><strong>Test:</strong> {result.outcome === 'ok' ? <Status of="ok" /> : <span class="status bad"><span class="dot" aria-hidden="true" />{words(result.outcome)}</span>} {result.statusCode === null ? null : <code>{result.statusCode}</code>} in {duration(result.durationMs)} {result.error}</p>
          {result.responseBody === '' ? null : <Code label="Answer to the test">{result.responseBody}</Code>}
        </div>
      ) : null}
      {secret ? <div class="note" role="status"><p>The new secret; the receiver needs it within a day:</p><Code label="The new secret">{secret}</Code></div> : null}
    </>
  );
}
