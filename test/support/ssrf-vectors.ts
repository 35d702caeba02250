/**
 * Addresses that nobody outside may be able to have called, and ways to write them: what those who ask a server to call
 * something else than it means to have tried before. {@link PORT} stands for the port of a canary on 127.0.0.1 and ::1.
 */

/** Where a vector names the canary's port. */
export const PORT = 'PORT';

/** IANA's special-purpose ranges, and what else nobody outside must reach: first and last address of each. */
export const FORBIDDEN_ADDRESSES = [
  // IPv4: RFC 6890 and what was registered since.
  '0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.0', '127.0.0.1', '127.255.255.255',
  '169.254.0.0', '169.254.255.255', '172.16.0.0', '172.31.255.255', '192.0.0.0', '192.0.0.255', '192.0.2.0', '192.0.2.255', '192.31.196.0', '192.31.196.255',
  '192.52.193.0', '192.52.193.255', '192.88.99.0', '192.88.99.255', '192.168.0.0', '192.168.255.255', '192.175.48.0', '192.175.48.255',
  '198.18.0.0', '198.19.255.255', '198.51.100.0', '198.51.100.255', '203.0.113.0', '203.0.113.255', '224.0.0.0', '239.255.255.255', '240.0.0.0', '255.255.255.254', '255.255.255.255',
  // Metadata services: AWS, GCP and Azure; ECS tasks; Alibaba; Oracle; Azure's WireServer, which is a public address.
  '169.254.169.254', '169.254.170.2', '169.254.169.253', '100.100.100.200', '192.0.0.192', '168.63.129.16',
  // IPv6: unspecified, loopback, IPv4-compatible, IPv4-mapped, IPv4-translated.
  '::', '::1', '::127.0.0.1', '::8.8.8.8', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::ffff:8.8.8.8', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8',
  // NAT64, discard-only, dummy prefix.
  '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:127.0.0.1', '100::', '100::ffff:ffff:ffff:ffff', '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff',
  // Protocol assignments with Teredo, benchmarking, ORCHID and ORCHIDv2; documentation; 6to4; AS112; documentation; SRv6.
  '2001::', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:0:7f00:1::', '2001:2::1', '2001:10::1', '2001:20::1', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
  '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff',
  '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '5f00::1',
  // Unique local with the metadata services of AWS and GCP, link-local, site-local, multicast, and what is not handed out.
  'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fd00:ec2::254', 'fd20:ce::254', 'fe80::1', 'fe80::a9fe:a9fe', 'febf::1', 'fec0::1', 'feff::1', 'ff02::1', 'ff0e::1', 'ffff::1',
  '4000::1', 'e000::1', '1fff::1', '200::1',
];

/** Their neighbours, and other addresses that anybody may have called. */
export const GLOBAL_ADDRESSES = [
  '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '172.15.255.255', '172.32.0.0',
  '168.63.129.15', '192.0.1.0', '198.17.255.255', '198.20.0.0', '223.255.255.255',
  '2000::1', '2001:200::1', '2606:4700:4700::1111', '2a00:1450:4001::200e', '2003::1', '3ffe:ffff::1', '2620:4f:7fff::1',
];

/** URLs that mean such an address, written so that a check of the text does not see it. */
export const TRICKS = [
  // One number, octal, hexadecimal, short forms, mixed, with zeros ahead, with the root's dot.
  'http://127.0.0.1:PORT/', 'http://127.1:PORT/', 'http://127.0.1:PORT/', 'http://2130706433:PORT/', 'http://0x7f000001:PORT/', 'http://0X7F000001:PORT/', 'http://0x7f.1:PORT/',
  'http://0177.0.0.1:PORT/', 'http://0177.1:PORT/', 'http://017700000001:PORT/', 'http://00000000177.0.0.1:PORT/', 'http://0x7f.0x0.0x0.0x1:PORT/', 'http://0x0000007f.0.0.1:PORT/', 'http://0177.0x0.0.1:PORT/',
  'http://127.0.0.010:PORT/', 'http://127.0.0.0x:PORT/', 'http://127.0.0.1.:PORT/', 'http://2130706433.:PORT/', 'http://0x7f000001.:PORT/', 'http://127.0x1:PORT/', 'http://127.65535:PORT/', 'http://127.16777215:PORT/', 'http://01200034567/',
  // Other dots, other digits, percent signs, invisible letters.
  'http://127。0。0。1:PORT/', 'http://127．0．0．1:PORT/', 'http://127｡0｡0｡1:PORT/', 'http://１２７.０.０.１:PORT/', 'http://①②⑦.0.0.1:PORT/', 'http://𝟏𝟐𝟕.𝟎.𝟎.𝟏:PORT/', 'http://¹²⁷.⁰.⁰.¹:PORT/',
  'http://%31%32%37.0.0.1:PORT/', 'http://127%2e0%2e0%2e1:PORT/', 'http://127.0.0.%31:PORT/', 'http://1\u00ad27.0.0.1:PORT/', 'http://127.0.0.1\u200b:PORT/', 'http://0x7\uff46.1:PORT/',
  // Nothing at all, and every address of this machine.
  'http://0:PORT/', 'http://0.0.0.0:PORT/', 'http://0x0:PORT/', 'http://00:PORT/', 'http://127.0.0.2:PORT/', 'http://127.255.255.254:PORT/', 'http://[::]:PORT/', 'http://[::1]:PORT/',
  // IPv6 spelt out, and IPv4 within it: mapped, compatible, translated, NAT64, 6to4, Teredo.
  'http://[0:0:0:0:0:0:0:1]:PORT/', 'http://[0000::0001]:PORT/', 'http://[0:0::0:0:1]:PORT/', 'http://[::0.0.0.1]:PORT/', 'http://[::ffff:127.0.0.1]:PORT/', 'http://[::ffff:7f00:1]:PORT/', 'http://[::FFFF:127.0.0.1]:PORT/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/', 'http://[0000:0000:0000:0000:0000:ffff:7f00:0001]:PORT/', 'http://[::127.0.0.1]:PORT/', 'http://[::7f00:1]:PORT/', 'http://[64:ff9b::127.0.0.1]:PORT/', 'http://[64:ff9b::7f00:1]:PORT/',
  'http://[64:ff9b:1::7f00:1]:PORT/', 'http://[2002:7f00:1::]:PORT/', 'http://[2001:0:7f00:1::]:PORT/', 'http://[2001:0:0:0:0:0:80ff:fffe]:PORT/', 'http://[::ffff:0:127.0.0.1]:PORT/', 'http://[::ffff:0.0.0.0]:PORT/',
  // Names that the hosts file of any machine has.
  'http://localhost:PORT/', 'http://LOCALHOST:PORT/', 'http://LocalHost:PORT/', 'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/', 'http://ｌｏｃａｌｈｏｓｔ:PORT/', 'http://local\u00adhost:PORT/',
  // What only looks as though it named something else.
  'http://127.0.0.1:PORT/?url=https://example.com/', 'http://127.0.0.1:PORT/@example.com', 'http://127.0.0.1:PORT//example.com/', 'http://127.0.0.1:PORT/../', 'http://127.0.0.1:PORT?@example.com/', 'HTTP://127.0.0.1:PORT/',
  // Metadata services.
  'http://169.254.169.254/latest/meta-data/', 'http://169.254.169.254:80/computeMetadata/v1/', 'http://[fd00:ec2::254]/latest/', 'http://[fd20:ce::254]/computeMetadata/v1/', 'http://[::ffff:a9fe:a9fe]/', 'http://[::ffff:169.254.169.254]/',
  'http://2852039166/', 'http://0xa9fea9fe/', 'http://0xa9.0xfe.0xa9.0xfe/', 'http://0251.0376.0251.0376/', 'http://0251.254.169.254/', 'http://169.254.43518/', 'http://169.16689662/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[2002:a9fe:a9fe::]/',
  'http://169。254。169。254/', 'http://169.254.169.254./', 'http://100.100.100.200/latest/meta-data/', 'http://168.63.129.16/', 'http://192.0.0.192/', 'http://169.254.170.2/v2/credentials/',
  // Inner networks, and what is sent to many.
  'http://10.0.0.1/', 'http://167772161/', 'http://172.16.0.1/', 'http://192.168.1.1/', 'http://3232235777/', 'http://[fe80::1]/', 'http://[fc00::1]/', 'http://[ff02::1]/', 'http://224.0.0.1/', 'http://255.255.255.255/',
];

/** URLs that are none, or hold what no URL of an endpoint may hold. */
export const NO_URLS = [
  'http://example.com\\@127.0.0.1:PORT/', 'https://1.1.1.1\\x',
  'http://user@127.0.0.1:PORT/', 'http://user:pass@example.com/', 'http://:x@example.com/', 'http://example.com@127.0.0.1:PORT/', 'http://127.0.0.1:PORT#@example.com/', 'https://example.com/#',
  'http://[fe80::1%25lo]/', 'http://[::1%lo]:PORT/', 'http://127.0.0.1:PORT/\n', ' http://127.0.0.1:PORT/', 'http://127.0.0.1\t:PORT/', 'ht\ntp://127.0.0.1/', 'http://256.256.256.256/',
  'http://127.0.0.1.1/', 'http:127.0.0.1', 'http:/127.0.0.1', '//127.0.0.1/', 'ftp://example.com/', 'file:///etc/passwd', 'gopher://127.0.0.1:PORT/', 'javascript:1', 'data:,x', 'http://', 'http:///', '', 'x',
  'http://example.com:99999/', 'http://exa mple.com/', `https://example.com/${'a'.repeat(2030)}`,
  'http:\\\\127.0.0.1:PORT\\', 'http://[::1', 'http://::1:PORT/', 'http://[::ffff:127.0.0.1%25eth0]:PORT/', 'http://[fe80::1%lo]:PORT/', 'http://127.0.0.1%00.example.com/', 'http://127.0.0.1\0.example.com/', 'http://0x100000000/',
  'http://4294967296/', 'http://127.0.0.09/', 'http://1.2.3.4.5/', 'http://example.com:0x50/', 'http://example.com:-1/', 'http://ex%41mple%2f.com/', 'http://\u3000/', 'http://127.0.0.1:PORT\u3000/', 'http://a..b@c/',
  'dict://127.0.0.1:PORT/', 'ldap://127.0.0.1:PORT/', 'unix:/run/docker.sock', 'http+unix://%2frun%2fdocker.sock/', 'blob:http://127.0.0.1/x', 'ws://127.0.0.1:PORT/', 'http//127.0.0.1/', '127.0.0.1', '127.0.0.1:PORT/',
];

/** Names that resolve to such an address where a test says so; each with what it resolves to. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  'loopback.test': ['127.0.0.1'], 'loopback6.test': ['::1'], 'mapped.test': ['::ffff:127.0.0.1'], 'inside.test': ['10.0.0.1'], 'metadata.test': ['169.254.169.254'], 'metadata6.test': ['fd00:ec2::254'],
  'link-local.test': ['fe80::1%eth0'], 'mixed.test': ['8.8.8.8', '127.0.0.1'], 'mixed6.test': ['2606:4700:4700::1111', '::1'], 'any.test': ['0.0.0.0'], '127.0.0.1.nip.test': ['127.0.0.1'],
  'hundreds.test': [...Array.from({ length: 499 }, (_, n) => `8.8.${n >> 8}.${n & 255}`), '127.0.0.1'],
};

/** All that must not be called, as URLs of both schemes for a canary's port. */
export const forbiddenUrls = (port: number): string[] => [
  ...FORBIDDEN_ADDRESSES.map((ip) => (ip.includes(':') ? `http://[${ip}]:${PORT}/` : `http://${ip}:${PORT}/`)), ...TRICKS,
].flatMap((url) => [url, url.replace(/^http/i, 'https')]).map((url) => url.replace(PORT, String(port)));
