/**
 * `npm run audit`: asks the registry for known weaknesses of the locked packages, and fails for each that is not explained here.
 * It needs a registry that answers such questions.
 */
import { spawnSync } from 'node:child_process';

/** Advisories that do not concern us, by their address, with the reason. */
const EXPLAINED = {};

const { stdout, stderr, status } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const report = parse(stdout);
if (!report?.vulnerabilities) {
  process.stderr.write(`The registry was asked and did not answer (npm audit, exit ${status}): ${report?.message ?? stderr.trim()}\n`);
  process.exit(2);
}

const advisories = new Map();
for (const { via } of Object.values(report.vulnerabilities)) {
  for (const one of via) if (typeof one === 'object') advisories.set(one.url, one);
}
const open = [...advisories.values()].filter(({ url }) => !Object.hasOwn(EXPLAINED, url));
const stale = Object.keys(EXPLAINED).filter((url) => !advisories.has(url));
for (const { severity, name, range, title, url } of open) process.stdout.write(`${severity}: ${name} ${range}: ${title} (${url})\n`);
for (const url of stale) process.stdout.write(`explained, but not found any more: ${url}\n`);
process.stdout.write(`${advisories.size} known weaknesses, ${open.length} of them not explained\n`);
process.exitCode = open.length + stale.length > 0 ? 1 : 0;

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
