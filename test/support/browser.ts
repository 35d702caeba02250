import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const USUAL = [
  '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable', '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Where a Chromium is: `CHROMIUM_PATH`, a usual place, or the one that playwright has installed; null: nowhere. */
function findChromium(): string | null {
  return [process.env['CHROMIUM_PATH'] ?? '', ...USUAL, chromium.executablePath()].find((path) => path !== '' && existsSync(path)) ?? null;
}

/** Installs one: from the distribution where that can be done, else playwright's own. */
function installChromium(): void {
  const run = (command: string, args: readonly string[]): void => void execFileSync(command, args, { stdio: 'ignore', timeout: 300_000 });
  if (existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) {
    run('apt-get', ['update']);
    run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium']);
  } else run(process.execPath, [join(require.resolve('playwright-core/package.json'), '..', 'cli.js'), 'install', 'chromium']);
}

/** Starts a Chromium; installs one where there is none. @throws Error that says what to install. */
export async function openBrowser(): Promise<Browser> {
  let failure = '';
  if (!findChromium()) {
    try {
      installChromium();
    } catch (error) {
      failure = ` (it could not be installed: ${error instanceof Error ? error.message : String(error)})`;
    }
  }
  const executablePath = findChromium();
  if (!executablePath) throw new Error(`The tests of the console need a Chromium${failure}: apt-get install chromium, or npx playwright-core install chromium, or set CHROMIUM_PATH`);
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Rules of axe-core that a page breaks in a way that keeps somebody from using it; empty: none. */
export async function axeFaults(page: Page): Promise<string[]> {
  const source = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // In the page by the protocol of the browser's own tools: the page's policy, which must stand, allows no other script.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: source });
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations))', awaitPromise: true, returnByValue: true,
  });
  await session.detach();
  const violations = JSON.parse(String(result.value)) as { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`));
}
