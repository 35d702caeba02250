/**
 * `npm run bench [-- case...]`: installs and builds what is missing, then measures the service against the machine's own limit.
 * See README.md beside this file.
 */
import { prepare } from '../../src/prepare.mjs';

prepare((line) => process.stderr.write(`${line}\n`));
const { main } = await import('./harness.mjs');
process.exit(await main(process.argv.slice(2)));
