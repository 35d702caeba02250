import { z } from 'zod';

const REDACTED = z.literal('[redacted]');
/** Client identifiers and secrets: visible ASCII and spaces (RFC 6749, appendix A). */
const VISIBLE = /^[\x20-\x7e]+$/;
const visible = (most: number) => z.string().min(1).max(most).regex(VISIBLE, 'must be visible ASCII characters and spaces');
const pem = (most: number, label: string) =>
  z.string().min(1).max(most).regex(/^\s*-----BEGIN /, `must be PEM, which begins with "-----BEGIN ${label}-----"`);
const key = z.string().min(1).max(16_384).regex(/^(\[redacted\]$|\s*-----BEGIN )/, 'must be PEM, which begins with "-----BEGIN PRIVATE KEY-----"');

const username = z.string().max(256).regex(/^[^:\u0000-\u001f\u007f-\u009f]*$/, 'must hold neither ":" nor control characters');
const password = z.string().min(1).max(1024).regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must not hold control characters').describe('shown as "[redacted]"');
const tokenUrl = z.string().min(1).max(2048).meta({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^\\s]+$', examples: ['https://login.example.com/oauth/token'] })
  .describe('called as endpoints are: the same addresses are refused, no redirect is followed');
const clientAuth = z.enum(['basic', 'post']).describe('where the client\'s credentials stand: the header `authorization`, or the body');
const scope = z.string().min(1).max(1024).regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must be words of visible ASCII parted by one space each, without " and \\');

/** How requests show who sends them, as it is given. */
export const authIn = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('basic'), username, password }),
  z.strictObject({
    type: z.literal('oauth2').describe('client credentials (RFC 6749, 4.4): a token is fetched, kept and renewed'),
    tokenUrl,
    clientId: visible(512),
    clientSecret: visible(2048).describe('shown as "[redacted]"'),
    scope: scope.nullable().default(null),
    audience: visible(1024).nullable().default(null).describe('sent where it is given; some servers want it'),
    clientAuth: clientAuth.default('basic'),
  }),
]).describe('sets the header `authorization` of every request');

/** The same as it is answered. */
export const authOut = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('basic'), username: z.string(), password: REDACTED }),
  z.strictObject({
    type: z.literal('oauth2'), tokenUrl: z.string(), clientId: z.string(), clientSecret: REDACTED,
    scope: z.string().nullable(), audience: z.string().nullable(), clientAuth,
  }),
]);

/** What an endpoint's TLS has of its own, as it is given. */
export const tlsIn = z.strictObject({
  certificate: pem(32_768, 'CERTIFICATE').nullable().default(null).describe('shown to the receiver; PEM, those between it and its authority behind it'),
  key: key.nullable().default(null).describe('the private key of the certificate; PEM without a passphrase; shown as "[redacted]"'),
  ca: pem(65_536, 'CERTIFICATE').nullable().default(null).describe('the authorities that the receiver is trusted from, and no others; PEM'),
}).superRefine(({ certificate, key: given, ca }, context) => {
  if (certificate === null && given === null && ca === null) context.addIssue({ code: 'custom', path: [], message: 'must have a certificate with its key, or a ca, or both' });
  if ((certificate === null) !== (given === null)) {
    const missing = certificate === null ? 'certificate' : 'key';
    context.addIssue({ code: 'custom', path: [missing], message: 'must be given: certificate and key go together' });
  }
});

/** The same as it is answered. */
export const tlsOut = z.strictObject({ certificate: z.string().nullable(), key: REDACTED.nullable(), ca: z.string().nullable() });
