import { cp, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Bundles the workflows for the worker's sandbox. @param workflowsPath `workflows/index`, from the sources or the build. */
export async function bundleWorkflows(workflowsPath: string): Promise<string> {
  const silent = (): void => undefined;
  const logger = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
  return (await bundleWorkflowCode({ workflowsPath, logger })).code;
}

/** Files beside the TypeScript that the build needs too, such as the guard of embedded servers. */
const isStatic = (path: string): boolean => !['.ts', '.md'].includes(extname(path));

/** Completes the build: `dist/workflow-bundle.js`, and the static files of `src/`. */
async function completeBuild(): Promise<void> {
  const dist = join(__dirname, '..');
  await writeFile(join(dist, 'workflow-bundle.js'), await bundleWorkflows(join(dist, 'workflows', 'index.js')));
  await cp(join(dist, '..', 'src'), join(dist, 'src'), { recursive: true, filter: isStatic });
}

if (require.main === module) void completeBuild();
