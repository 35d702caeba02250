/** `npm start`: installs and builds what is missing, then runs everything: see supervise.ts. Nothing may be there yet. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare((line) => process.stderr.write(`${line}\n`));
process.chdir(root);
const { main } = await import(pathToFileURL(join(root, 'dist', 'src', 'supervise.js')).href);
await main();
