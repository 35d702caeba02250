import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { allowedNetworksOf, type Config } from '../../config';
import { createAddressPolicy } from '../../wire/address';
import { type Finding, findings } from './finding';

const OLDEST_NODE = [20, 18, 1] as const;
/** Addresses that hand out a machine's credentials in clouds, and where everything begins. */
const RISKY = { '169.254.169.254': "the cloud's metadata service, which hands out credentials", '8.8.8.8': 'the whole internet, as one network' } as const;

/** Node's version. */
export function checkNode(version: string): Finding {
  const { ok, failed } = findings('Node.js');
  const seen = version.split('.').map(Number);
  const differs = OLDEST_NODE.findIndex((part, index) => seen[index] !== part);
  const isOld = differs !== -1 && (seen[differs] ?? 0) < (OLDEST_NODE[differs] ?? 0);
  return isOld ? failed(version, `install ${OLDEST_NODE.join('.')} or later`) : ok(version);
}

/** The files that settings name. */
export function checkFiles(config: Config): Finding[] {
  const { ok, failed } = findings('TLS files');
  const names = ['TEMPORAL_TLS_CA', 'TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY'] as const;
  const named = names.filter((name) => config[name] !== undefined);
  const unreadable = named.filter((name) => !isReadable(config[name] ?? ''));
  const findingsOfFiles = unreadable.map((name) => failed(`${name}: ${config[name]} can not be read`, 'name a file that this user can read'));
  const isHalf = (config.TEMPORAL_TLS_CERT === undefined) !== (config.TEMPORAL_TLS_KEY === undefined);
  if (isHalf) findingsOfFiles.push(failed('one of TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY is set', 'set both, or neither'));
  return findingsOfFiles.length > 0 || named.length === 0 ? findingsOfFiles : [ok(named.join(', '))];
}

/** The private networks that endpoints may use. */
export function checkNetworks(config: Config): Finding {
  const { ok, warning } = findings('allowed networks');
  const networks = allowedNetworksOf(config);
  const policy = createAddressPolicy(networks);
  const [first] = Object.entries(RISKY).filter(([ip]) => policy.allows(ip) && (ip !== '8.8.8.8' || networks.some((range) => /\/0$/.test(range))));
  if (first) return warning(`${networks.join(', ')} hold ${first[1]}`, 'name in DELIVERY_ALLOWED_NETWORKS only the ranges that receivers are in');
  return ok(networks.length === 0 ? 'none: public addresses alone may be called' : networks.join(', '));
}

/** Whether a port can be listened on. */
export function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).once('listening', () => server.close(() => resolve(true)));
    server.listen(port, host);
  });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
