// Loaded into a process of a test by `NODE_OPTIONS=--require`: a name that ends in ".test" resolves to the addresses that
// the file FAKE_DNS, a JSON object, gives it at that time; to an error where it gives a code instead, and with "hang" never.
const dns = require('node:dns');
const { readFileSync } = require('node:fs');
const { isIP } = require('node:net');

const lookup = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (!name.endsWith('.test')) return lookup(name, options, callback);
  const found = JSON.parse(readFileSync(process.env.FAKE_DNS, 'utf8'))[name] ?? [];
  if (found === 'hang') return undefined;
  if (typeof found === 'string') return process.nextTick(() => callback(Object.assign(new Error(`getaddrinfo ${found} ${name}`), { code: found })));
  return process.nextTick(() => callback(null, found.map((address) => ({ address, family: isIP(address) }))));
};
