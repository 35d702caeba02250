/** A user name and a password, sent with every request (RFC 7617). */
export interface BasicAuth {
  readonly type: 'basic';
  /** Holds no colon. */
  readonly username: string;
  readonly password: string;
}

/** An access token, which an authorization server gives for a client's own credentials (RFC 6749, 4.4). */
export interface OAuth2Auth {
  readonly type: 'oauth2';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the token is asked for, parted by spaces; null: what the server gives by itself. */
  readonly scope: string | null;
  /** Whom the token is for, as some servers want to know; null: it is not sent. */
  readonly audience: string | null;
  /** Where the client's credentials stand: in the header `authorization`, or in the body. */
  readonly clientAuth: 'basic' | 'post';
}

/** How requests to an endpoint show who sends them, beside their signature. Holds a secret in the clear. */
export type EndpointAuth = BasicAuth | OAuth2Auth;

/** An {@link EndpointAuth} without its secret. */
export type StoredAuth = Omit<BasicAuth, 'password'> | Omit<OAuth2Auth, 'clientSecret'>;

/** What an endpoint's TLS has of its own, each as PEM. At least one part is there. Holds a secret in the clear. */
export interface EndpointTls {
  /** The certificate that is shown to the receiver, and those between it and its authority; null: none. */
  readonly certificate: string | null;
  /** The private key of the certificate. */
  readonly key: string | null;
  /** The authorities that the receiver's certificate is trusted from, and no others; null: the usual ones. */
  readonly ca: string | null;
}

/** An {@link EndpointTls} without its secret. */
export type StoredTls = Omit<EndpointTls, 'key'>;

/** What the sealed secrets of an endpoint's authentication are called where they are kept. */
export type AuthSecretName = 'password' | 'clientSecret' | 'key';

/** What the secret of an authentication is called. */
export const secretNameOf = ({ type }: StoredAuth): AuthSecretName => (type === 'basic' ? 'password' : 'clientSecret');

/** The secret of an authentication. */
export const secretOf = (auth: EndpointAuth): string => (auth.type === 'basic' ? auth.password : auth.clientSecret);

/** Puts an authentication and its secret together. */
export const withSecret = (auth: StoredAuth, secret: string): EndpointAuth =>
  auth.type === 'basic' ? { ...auth, password: secret } : { ...auth, clientSecret: secret };

/** An authentication without its secret. */
export function withoutSecret(auth: EndpointAuth): StoredAuth {
  if (auth.type === 'basic') return { type: auth.type, username: auth.username };
  const { type, tokenUrl, clientId, scope, audience, clientAuth } = auth;
  return { type, tokenUrl, clientId, scope, audience, clientAuth };
}
