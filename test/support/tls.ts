import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, as PEM. */
export interface Pair {
  readonly key: string;
  readonly cert: string;
}

/** A certificate for 127.0.0.1, and the authority that signed it. */
export interface TestTls extends Pair {
  /** The authority's certificate. */
  readonly ca: string;
  /** Path of the authority's certificate: what `NODE_EXTRA_CA_CERTS` of a process that is to trust it names. */
  readonly caFile: string;
  /** Makes a client's certificate for 2 days, or one that has expired. */
  issueClient(expired?: boolean): Pair;
  remove(): void;
}

/** Makes an authority and a certificate with the `openssl` command. */
export function makeTls(): TestTls {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-tls-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority',
    '-addext', 'basicConstraints=critical,CA:TRUE');
  openssl('req', '-new', ...newKey, '-keyout', 'key.pem', '-out', 'cert.csr', '-subj', '/CN=127.0.0.1');
  writeFileSync(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  openssl('x509', '-req', '-in', 'cert.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert.pem', '-days', '2', '-extfile', 'san');
  return {
    key: readFileSync(join(folder, 'key.pem'), 'utf8'),
    cert: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    caFile: join(folder, 'ca.pem'),
    issueClient(expired = false) {
      openssl('req', '-new', ...newKey, '-keyout', 'client.key', '-out', 'client.csr', '-subj', '/CN=posthorn client');
      writeFileSync(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n');
      openssl('x509', '-req', '-in', 'client.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'client.pem', '-days', expired ? '-1' : '2', '-extfile', 'client.ext');
      return { key: readFileSync(join(folder, 'client.key'), 'utf8'), cert: readFileSync(join(folder, 'client.pem'), 'utf8') };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
