import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Builds the page of the console: two files beside those that are served as they are. @param page its sources. */
export async function buildConsole(page: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { console: join(page, 'main.tsx') }, outdir: folder, bundle: true, minify: true, format: 'esm', target: 'es2022',
    jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'eof', logLevel: 'warning',
  });
  for (const name of ['index.html', 'icon.svg']) await copyFile(join(page, name), join(folder, name));
}
