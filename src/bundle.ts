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
const isStatic = (path: string): boolean => !['.ts', '.md'].includes(extname(path)) && !path.endsWith(CONSOLE_PAGE);

/** The sources of the console's page, which is built apart. */
const CONSOLE_PAGE = join('src', 'console', 'page');

/** Completes the build: `dist/workflow-bundle.js`, the console, and the static files of `src/`. */
async function completeBuild(): Promise<void> {
  const dist = join(__dirname, '..');
  await writeFile(join(dist, 'workflow-bundle.js'), await bundleWorkflows(join(dist, 'workflows', 'index.js')));
  // Loaded here alone: what the console is built with is not there when the service runs.
  const { buildConsole } = await import('./console/build.js');
  await buildConsole(join(dist, '..', CONSOLE_PAGE), join(dist, 'console'));
  await cp(join(dist, '..', 'src'), join(dist, 'src'), { recursive: true, filter: isStatic });
}

if (require.main === module) void completeBuild();
