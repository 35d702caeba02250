import type { Attempt } from './answers';
import { curl, duration, prettyText, words } from './format';
import { Code, Copy, Status, Time } from './parts';

/** One request and what came of it. */
export function AttemptView({ attempt, isOpen }: { readonly attempt: Attempt; readonly isOpen: boolean }) {
  const { number, outcome, statusCode, error, request, response } = attempt;
  return (
    <li>
      <details open={isOpen}>
        <summary>
          <span class="step">{number}</span>
          {outcome === null ? <Status of="RUNNING" /> : outcome === 'ok' ? <Status of="ok" /> : <span class="status bad"><span class="dot" aria-hidden="true" />{words(outcome)}</span>}
          {statusCode === null ? null : <code>{statusCode}</code>}
          <span>{duration(attempt.durationMs)}</span>
          <Time at={attempt.startedAt} />
        </summary>
        {error ? <p class="fault">{error}</p> : null}
        <div class="exchange">
          <section>
            <h3>Request {request ? <Copy label="Copy as curl" text={curl(request)} /> : null}</h3>
            {request ? <>
              <p><code>POST {request.url}</code></p>
              <Headers of={request.headers} />
              {request.body === null ? <p class="soft">The body can not be shown any more: the event or the endpoint has gone.</p> : <Code label="Request body">{prettyText(request.body)}</Code>}
              <details class="curl"><summary>As a curl command</summary><Code label="curl command">{curl(request)}</Code></details>
            </> : <p class="soft">Not known: it is under way, or its worker ended before it could say.</p>}
          </section>
          <section>
            <h3>Response</h3>
            {response ? <>
              <Headers of={response.headers} />
              {response.body === '' ? <p class="soft">The body is empty.</p> : <Code label="Response body">{prettyText(response.body)}</Code>}
              {response.truncated ? <p class="soft">Only its beginning is kept.</p> : null}
            </> : <p class="soft">There was none.</p>}
          </section>
        </div>
      </details>
    </li>
  );
}

function Headers({ of }: { readonly of: Readonly<Record<string, string>> }) {
  return <dl class="headers">{Object.entries(of).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
