import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { EndpointTls } from '../domain/endpoint-auth';

/** What is wrong with a part of an endpoint's TLS; never a line of it. */
export interface TlsProblem {
  readonly part: 'certificate' | 'key' | 'ca';
  readonly message: string;
}

/** The certificates, keys and authorities that a connection is made with. @throws Error where OpenSSL can't use them. */
export const secureContextOf = ({ certificate, key, ca }: EndpointTls): SecureContext =>
  createSecureContext({ minVersion: 'TLSv1.2', cert: certificate ?? undefined, key: key ?? undefined, ca: ca ?? undefined });

/** Looks whether all of it can be read, belongs together and has not expired; null: it may be saved. */
export function checkEndpointTls(tls: EndpointTls, now: Date): TlsProblem | null {
  const { certificate, key, ca } = tls;
  const leaf = certificate === null ? null : firstOf(certificate, now);
  if (typeof leaf === 'string') return { part: 'certificate', message: leaf };
  const authority = ca === null ? null : firstOf(ca, now);
  if (typeof authority === 'string') return { part: 'ca', message: authority };
  if (key !== null) {
    const read = readKey(key);
    if (typeof read === 'string') return { part: 'key', message: read };
    if (leaf && !leaf.checkPrivateKey(read)) return { part: 'key', message: 'is not the private key of the certificate; the certificate of the key must stand first' };
  }
  try {
    secureContextOf(tls);
    return null;
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    return { part: certificate === null ? 'ca' : 'certificate', message: `can not be used for TLS${/^[A-Z0-9_]{1,64}$/.test(code) ? `: ${code}` : ''}` };
  }
}

/** The first certificate of a text, where all of them can be read and none has expired; else what is wrong. */
function firstOf(pem: string, now: Date): X509Certificate | string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    const certificate = readCertificate(block);
    if (!certificate) return `has a certificate that can not be read: number ${certificates.length + 1}`;
    const endsAt = new Date(certificate.validTo);
    if (endsAt <= now) return `has a certificate that expired at ${endsAt.toISOString()}: number ${certificates.length + 1}`;
    certificates.push(certificate);
  }
  return certificates[0] ?? 'must be PEM: "-----BEGIN CERTIFICATE-----", base64, "-----END CERTIFICATE-----"';
}

function readCertificate(block: string): X509Certificate | null {
  try {
    return new X509Certificate(block);
  } catch {
    return null;
  }
}

/** The key, or what is wrong with it. */
function readKey(pem: string): KeyObject | string {
  if (pem.includes('ENCRYPTED')) return 'is encrypted; give it without its passphrase: it is sealed before it is stored';
  try {
    return createPrivateKey(pem);
  } catch {
    return 'must be a private key as PEM: "-----BEGIN PRIVATE KEY-----", base64, "-----END PRIVATE KEY-----"';
  }
}
