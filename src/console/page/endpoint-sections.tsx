import type { ComponentType } from 'preact';
import type { Endpoint } from './answers';
import { AuthSection } from './endpoint-auth';
import { TransformSection } from './endpoint-transform';
import { pretty } from './format';
import { Card, Code, Facts } from './parts';

/**
 * What else the page of an endpoint shows, in this order. What an endpoint gets besides (how requests are changed or
 * authorized, say) is one more section here.
 */
export const ENDPOINT_SECTIONS: readonly ComponentType<{ readonly endpoint: Endpoint; readonly onChanged: () => void }>[] = [TransformSection, AuthSection, Sending, Policy];

function Sending({ endpoint }: { readonly endpoint: Endpoint }) {
  const headers = Object.keys(endpoint.headers);
  return (
    <Card title="How it is spoken to">
      <Facts of={[
        ['Id', <code>{endpoint.id}</code>],
        ['Dialect', <code>{endpoint.dialect}</code>],
        ['Scope', endpoint.scope === null ? 'none' : <code>{endpoint.scope}</code>],
        ['Own headers', headers.length === 0 ? 'none' : <code>{headers.join(', ')}</code>],
        ['Metadata', Object.keys(endpoint.metadata).length === 0 ? 'none' : <code>{JSON.stringify(endpoint.metadata)}</code>],
      ]} />
    </Card>
  );
}

function Policy({ endpoint }: { readonly endpoint: Endpoint }) {
  return <Card title="Policy"><Code label="The policy in effect">{pretty(endpoint.policy)}</Code></Card>;
}
