import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';

/** A receiver whose TLS is bad in one way, for a sender that trusts the authority of {@link BadTls.caFile}. */
export interface BadServer {
  readonly what: string;
  readonly tls: TlsOptions;
  /** Under which it is called; 127.0.0.1 unless given. */
  readonly host?: string;
  /** The whole of the attempt's `error`. */
  readonly error: RegExp;
}

/** Receivers with every kind of bad TLS, and one that is good. */
export interface BadTls {
  readonly caFile: string;
  readonly good: TlsOptions;
  readonly servers: readonly BadServer[];
  remove(): void;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const CA_SETTINGS = `[ca]
default_ca = this
[this]
database = index.txt
new_certs_dir = .
serial = serial
policy = any
default_md = sha256
unique_subject = no
[any]
commonName = supplied
`;

/** Makes them with the `openssl` command. */
export function makeBadTls(): BadTls {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bad-tls-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  writeFileSync(join(folder, 'ca.cnf'), CA_SETTINGS);
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '01\n');

  const authority = (name: string): void => openssl('req', '-x509', ...EC, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2',
    '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE');

  /** A certificate for 127.0.0.1 and hook.test, unless told otherwise, by `issuer`. */
  function issue(name: string, { issuer = 'ca', key = EC, extensions = 'subjectAltName=IP:127.0.0.1,DNS:hook.test', from = '', to = '', digest = 'sha256' } = {}): TlsOptions {
    openssl('req', '-new', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=127.0.0.1');
    writeFileSync(join(folder, `${name}.ext`), `${extensions}\n`);
    const period = from === '' ? ['-days', '2'] : ['-startdate', from, '-enddate', to];
    openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', '-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`, '-in', `${name}.csr`, '-out', `${name}.pem`,
      '-extfile', `${name}.ext`, '-md', digest, ...period);
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  }

  authority('ca');
  authority('stranger');
  issue('between', { extensions: 'basicConstraints=critical,CA:TRUE' });
  issue('lapsed', { extensions: 'basicConstraints=critical,CA:TRUE', from: '20200101000000Z', to: '20210101000000Z' });
  const withChain = (tls: TlsOptions, issuer: string): TlsOptions => ({ ...tls, cert: `${String(tls.cert)}${read(`${issuer}.pem`)}` });
  // The receiver's own OpenSSL must not be the one that objects.
  const weak = { ciphers: 'DEFAULT@SECLEVEL=0' };
  const good = issue('good');
  openssl('req', '-x509', ...EC, '-nodes', '-keyout', 'self.key', '-out', 'self.pem', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1');
  const servers: BadServer[] = [
    { what: 'an expired certificate', tls: issue('expired', { from: '20200101000000Z', to: '20210101000000Z' }), error: /^CERT_HAS_EXPIRED$/ },
    { what: 'a certificate that is not valid yet', tls: issue('early', { from: '20450101000000Z', to: '20460101000000Z' }), error: /^CERT_NOT_YET_VALID$/ },
    { what: 'a self-signed certificate', tls: { key: read('self.key'), cert: read('self.pem') }, error: /^DEPTH_ZERO_SELF_SIGNED_CERT$/ },
    { what: 'a self-signed authority in its chain', tls: withChain(issue('strange', { issuer: 'stranger' }), 'stranger'), error: /^SELF_SIGNED_CERT_IN_CHAIN$/ },
    { what: 'an unknown authority', tls: issue('unknown', { issuer: 'stranger' }), error: /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/ },
    { what: 'a chain without its intermediate', tls: issue('unchained', { issuer: 'between' }), error: /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/ },
    { what: 'an expired intermediate', tls: withChain(issue('late', { issuer: 'lapsed' }), 'lapsed'), error: /^CERT_HAS_EXPIRED$/ },
    { what: 'an issuer that is no authority', tls: withChain(issue('usurped', { issuer: 'good' }), 'good'), error: /^INVALID_(CA|PURPOSE)$/ },
    { what: 'the certificate of another name', tls: issue('other', { extensions: 'subjectAltName=DNS:other.test' }), host: 'hook.test', error: /^ERR_TLS_CERT_ALTNAME_INVALID$/ },
    { what: 'the certificate of another address', tls: issue('elsewhere', { extensions: 'subjectAltName=IP:127.0.0.2' }), error: /^ERR_TLS_CERT_ALTNAME_INVALID$/ },
    { what: 'a wildcard that spans two labels', tls: issue('wild', { extensions: 'subjectAltName=DNS:*.test' }), host: 'a.hook.test', error: /^ERR_TLS_CERT_ALTNAME_INVALID$/ },
    { what: 'a certificate of clients', tls: issue('client', { extensions: 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth' }), error: /^INVALID_PURPOSE$/ },
    { what: 'a signature by SHA-1', tls: { ...issue('sha1', { digest: 'sha1' }), ...weak }, error: /^CA_SIGNATURE_DIGEST_ALGORITHM_TOO_WEAK$/ },
    { what: 'a key of 768 bits', tls: { ...issue('small', { key: ['-newkey', 'rsa:768'] }), ...weak }, error: /^EE_CERTIFICATE_KEY_TOO_WEAK$/ },
    { what: 'TLS 1.0', tls: { ...good, ...weak, minVersion: 'TLSv1', maxVersion: 'TLSv1' }, error: /^(ERR_SSL_\w+|EPROTO)$/ },
    { what: 'TLS 1.1', tls: { ...good, ...weak, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }, error: /^(ERR_SSL_\w+|EPROTO)$/ },
    { what: 'a cipher without encryption', tls: { ...good, ciphers: 'eNULL@SECLEVEL=0', maxVersion: 'TLSv1.2' }, error: /^(ERR_SSL_\w+|EPROTO)$/ },
    { what: 'HTTP/2 alone', tls: { ...good, ALPNProtocols: ['h2'] }, error: /^(ERR_SSL_\w+|EPROTO)$/ },
    { what: 'a demand for a certificate of ours', tls: { ...good, requestCert: true, rejectUnauthorized: true, ca: read('ca.pem') }, error: /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$/ },
    { what: 'the same demand in TLS 1.2', tls: { ...good, requestCert: true, rejectUnauthorized: true, ca: read('ca.pem'), maxVersion: 'TLSv1.2' }, error: /^(ERR_SSL_\w+|EPROTO)$/ },
  ];
  return { caFile: join(folder, 'ca.pem'), good, servers, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
