/** The place that an endpoint's header value is sealed for (bound in as AAD, see `seal.ts`). */
export const headerPlace = (endpointId: string, name: string): string => `endpoint_header|${endpointId}|${name}`;
/** The place that an endpoint's verify token is sealed for. */
export const verifyTokenPlace = (endpointId: string): string => `endpoint_verify_token|${endpointId}`;
/** The place that a secret of an endpoint's authentication or of its own TLS is sealed for. */
export const authPlace = (endpointId: string, name: string): string => `endpoint_auth|${endpointId}|${name}`;
/** The place that a signing secret is sealed for. */
export const secretPlace = (secretId: string): string => `endpoint_secret|${secretId}`;
/** The place that a stored answer of an idempotent request is sealed for. */
export const answerPlace = (workspaceId: string, key: string): string => `idempotency_answer|${workspaceId}|${key}`;
/** The place that a channel's verify token or app secret is sealed for. */
export const channelPlace = (channelId: string, what: 'verify_token' | 'app_secret'): string => `channel_${what}|${channelId}`;
