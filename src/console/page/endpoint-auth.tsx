import type { ComponentChildren } from 'preact';
import type { Auth, Endpoint } from './answers';
import { Card, Code, Facts } from './parts';

/** How an endpoint knows who calls it, and whom its calls trust. Secrets come redacted. */
export function AuthSection({ endpoint: { auth, tls, headers } }: { readonly endpoint: Endpoint }) {
  return (
    <Card title="Authentication">
      <Facts of={[
        ['Signature', 'on every request'],
        ...factsOf(auth, Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')),
        ['Client certificate', tls?.certificate ? <Pem label="Client certificate" text={tls.certificate} /> : 'none'],
        ['Its private key', tls?.key ? <code>{tls.key}</code> : 'none'],
        ['Trusted authorities', tls?.ca ? <Pem label="Trusted authorities" text={tls.ca} /> : 'the usual ones'],
      ]} />
    </Card>
  );
}

function factsOf(auth: Auth | null, hasOwnHeader: boolean): readonly (readonly [name: string, value: ComponentChildren])[] {
  if (!auth) return [['Header authorization', hasOwnHeader ? <>one of its own headers: <code>[redacted]</code></> : 'none']];
  if (auth.type === 'basic') {
    return [['Header authorization', 'basic'], ['User name', <code>{auth.username}</code>], ['Password', <code>{auth.password}</code>]];
  }
  return [
    ['Header authorization', 'oauth2, client credentials'],
    ['Token URL', <code>{auth.tokenUrl}</code>],
    ['Client', <code>{auth.clientId}</code>],
    ['Client secret', <code>{auth.clientSecret}</code>],
    ['Asked for in', auth.clientAuth === 'basic' ? 'the header (basic)' : 'the body (post)'],
    ['Scope', auth.scope === null ? 'none' : <code>{auth.scope}</code>],
    ['Audience', auth.audience === null ? 'none' : <code>{auth.audience}</code>],
  ];
}

function Pem({ label, text }: { readonly label: string; readonly text: string }) {
  return <details><summary>its own, as PEM</summary><Code label={label}>{text.trim()}</Code></details>;
}
