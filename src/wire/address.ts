import { BlockList, isIP } from 'node:net';
import { resolveAll } from './resolve';

/** Which addresses may be called. */
export interface AddressPolicy {
  /** Whether this literal IP address may be dialled. Fails closed: what is not plainly an allowed address is not allowed. */
  allows(ip: string): boolean;
}

/** What is wrong with a URL that somebody wants to be called. The message is for the caller and never holds a resolved address. */
export interface UrlProblem {
  readonly code: 'invalid' | 'address_forbidden' | 'https_required';
  readonly message: string;
}

/** IANA special-purpose registry for IPv4 (RFC 6890 and later), multicast and reserved space, and Azure's WireServer. */
const FORBIDDEN_V4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24',
  '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32',
];

/** The only IPv6 space that is handed out as global unicast (RFC 4291); all else, embedded IPv4 forms included, is refused. */
const GLOBAL_V6 = '2000::/3';

/** What is special within 2000::/3: protocol assignments with Teredo and ORCHID, documentation, 6to4, AS112, documentation. */
const FORBIDDEN_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const MAX_URL_LENGTH = 2048;
const RESOLVE_TIMEOUT_MS = 2000;

/**
 * The policy of a deployment: global unicast addresses, and the given networks.
 * @param allowedNetworks CIDR ranges or single addresses, such as `10.1.0.0/16` or `::1`, that may be called although they are special.
 * @throws Error naming the first entry that is no such range.
 */
export function createAddressPolicy(allowedNetworks: readonly string[]): AddressPolicy {
  const allowed = blockList(allowedNetworks);
  const forbiddenV4 = blockList(FORBIDDEN_V4);
  const forbiddenV6 = blockList(FORBIDDEN_V6);
  const globalV6 = blockList([GLOBAL_V6]);
  return {
    allows(ip) {
      // BlockList answers `false` to what it can not read, and to an address of the family it was not told of.
      const version = typeof ip === 'string' && !ip.includes('%') ? isIP(ip) : 0;
      if (version === 4) return allowed.check(ip, 'ipv4') || !forbiddenV4.check(ip, 'ipv4');
      if (version === 6) return allowed.check(ip, 'ipv6') || (globalV6.check(ip, 'ipv6') && !forbiddenV6.check(ip, 'ipv6'));
      return false;
    },
  };
}

/**
 * Checks a URL at the time it is saved, so that its owner hears of a mistake early; what guards is the check when connecting.
 * A name that does not resolve within 2 s is accepted: it may do so later.
 * @returns null where it may be saved.
 */
export async function checkUrl(url: string, policy: AddressPolicy, { httpsOnly }: { readonly httpsOnly: boolean }): Promise<UrlProblem | null> {
  const parsed = parseUrl(url);
  if (typeof parsed === 'string') return { code: 'invalid', message: parsed };
  if (httpsOnly && parsed.protocol !== 'https:') {
    return { code: 'https_required', message: 'It must begin with https://; this dialect does not speak plain http.' };
  }
  const host = hostOf(parsed.hostname);
  const addresses = isIP(host) !== 0 ? [host] : await resolveInTime(host);
  if (addresses.every((address) => policy.allows(address))) return null;
  return {
    code: 'address_forbidden',
    message: 'Its host is, or resolves to, an address that is not public. An operator can allow networks with DELIVERY_ALLOWED_NETWORKS.',
  };
}

/** The host as one dials it: an IPv6 literal without its brackets. */
const hostOf = (hostname: string): string => (hostname.startsWith('[') ? hostname.slice(1, -1) : hostname);

/** The URL, or what is wrong with it. */
function parseUrl(url: string): URL | string {
  if (url.length > MAX_URL_LENGTH) return `It has ${url.length} characters; at most ${MAX_URL_LENGTH} are allowed.`;
  // URL drops white space and control characters and mends slashes: what was meant is then a guess.
  if (/[\u0000-\u0020\u007f\\]/.test(url)) return 'It holds white space, control characters or backslashes.';
  if (!/^https?:\/\//i.test(url)) return 'It must begin with https:// or http://.';
  const parsed = tryParse(url);
  if (!parsed) return 'It is not a URL, such as https://example.com/hooks.';
  if (parsed.username !== '' || parsed.password !== '') return 'It must not hold a user name or password; set an authorization header instead.';
  if (url.includes('#')) return 'It must not hold a fragment (#…): that part is never sent.';
  return parsed;
}

function tryParse(url: string): URL | null {
  try {
    // Not asked of URL.canParse: in Node 20, once it is called often, it takes a URL with letters such as "ü" for none.
    return new URL(url);
  } catch {
    return null;
  }
}

async function resolveInTime(host: string): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), RESOLVE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([resolveAll(host).catch(() => []), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix, ...rest] = network.split('/');
    const version = address.includes('%') ? 0 : isIP(address);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || rest.length > 0 || !(length >= 0 && length <= bits)) {
      throw new Error(`${JSON.stringify(network)} is not a network: write a range such as 192.168.0.0/16 or fd00::/8, or one address`);
    }
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
