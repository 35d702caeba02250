import { withSecret } from '../domain/endpoint-auth';
import { effectivePolicyView } from '../domain/dialect';
import type { StoredEndpoint } from '../store/endpoints';
import { publicKeyOf } from '../wire/sign';
import { REDACTED } from '../wire/redact';

/** An endpoint as the API shows it: no header's value and no other secret, its policy whole. */
export const presentEndpoint = (endpoint: StoredEndpoint) => ({
  id: endpoint.id,
  name: endpoint.name,
  url: endpoint.url,
  dialect: endpoint.dialect,
  events: endpoint.events,
  scope: endpoint.scope,
  status: endpoint.status,
  statusReason: endpoint.statusReason,
  statusSince: endpoint.statusSince.toISOString(),
  headers: Object.fromEntries(endpoint.headerNames.map((name) => [name, REDACTED])),
  auth: endpoint.auth && withSecret(endpoint.auth, REDACTED),
  tls: endpoint.tls && { certificate: endpoint.tls.certificate, key: endpoint.sealedAuth['key'] === undefined ? null : REDACTED, ca: endpoint.tls.ca },
  verifyToken: endpoint.sealedVerifyToken === null ? null : REDACTED,
  policy: effectivePolicyView(endpoint.dialect, endpoint.policyOverrides),
  metadata: endpoint.metadata,
  transform: endpoint.transform,
  createdAt: endpoint.createdAt.toISOString(),
  updatedAt: endpoint.updatedAt.toISOString(),
});

/** A secret as it is shown, with the public key that checks its signatures where it is an ed25519 one. */
export const presentSecret = (secret: string | null) => ({ secret, publicKey: secret?.startsWith('whsk_') ? publicKeyOf(secret) : null });
