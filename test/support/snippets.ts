import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

/** Whether a documented check takes a request. */
export type Accepts = (body: string, headers: Record<string, string>, secret: string) => boolean;

/** All code of a page that stands under `<!-- run: name -->`, in its order. */
export function snippet(page: string, name: string): string {
  const text = readFileSync(join(__dirname, '..', '..', page), 'utf8');
  const found = [...text.matchAll(new RegExp(`<!-- run: ${name} -->\\n\`\`\`\\w+\\n([^]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
  if (found.length === 0) throw new Error(`${page} has no snippet "${name}"`);
  return found.join('\n');
}

/**
 * Runs shell snippets of a page one after another, as somebody who reads it would, with `KEY` and `API` set. Answers what their
 * calls were answered: each prints a line of JSON.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any call
export async function runSnippets(page: string, names: readonly string[], api: { readonly rootKey: string; readonly url: string }, env: Readonly<Record<string, string>> = {}): Promise<any[]> {
  const script = names.map((name) => snippet(page, name)).join('\n');
  const { stdout } = await promisify(execFile)('sh', ['-euc', script], { env: { ...process.env, KEY: api.rootKey, API: api.url, ...env } });
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown);
}

/** A page's `verify` in TypeScript, as a function that says whether it throws. */
export function verifierInTypeScript(page: string, name: string): Accepts {
  const { outputText } = ts.transpileModule(snippet(page, name), { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } });
  const exported: { verify?: (body: string, headers: Record<string, string>, secret: string) => unknown } = {};
  new Function('exports', 'require', outputText)(exported, require);
  return (body, headers, secret) => !throws(() => exported.verify?.(body, headers, secret));
}

/** A page's `verify` in Python, as a function that says whether it raises ValueError. */
export function verifierInPython(page: string, name: string): Accepts {
  const driver = ['import json, sys', 'given = json.load(sys.stdin)', 'try:', '    verify(given["body"].encode(), given["headers"], given["secret"])',
    'except ValueError:', '    sys.exit(3)'].join('\n');
  return (body, headers, secret) => {
    try {
      execFileSync('python3', ['-c', `${snippet(page, name)}\n${driver}`], { input: JSON.stringify({ body, headers, secret }), stdio: ['pipe', 'pipe', 'pipe'] });
      return true;
    } catch (error) {
      // Anything but the driver's own exit code is a fault of the snippet.
      if ((error as { status?: number }).status !== 3) throw error;
      return false;
    }
  };
}

/** A page's `Verify` in Go, compiled, as a function that says whether it returns an error. Go's own cache keeps the packages that it needs. */
export function verifierInGo(page: string, name: string): Accepts {
  const code = snippet(page, name);
  const [, called = ''] = /^func (Verify\w*)\(/m.exec(code) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-docs-go-'));
  mkdirSync(join(folder, 'webhook'));
  writeFileSync(join(folder, 'go.mod'), 'module receiver\n\ngo 1.21\n');
  writeFileSync(join(folder, 'webhook', 'webhook.go'), code);
  writeFileSync(join(folder, 'main.go'), `package main

import (
	"encoding/json"
	"os"
	"receiver/webhook"
	"strings"
)

func main() {
	var given struct {
		Body, Secret string
		Headers      map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	header := func(name string) string { return given.Headers[strings.ToLower(name)] }
	if webhook.${called}([]byte(given.Body), header, given.Secret) != nil {
		os.Exit(3)
	}
}
`);
  execFileSync('go', ['build', '-o', 'verify', '.'], { cwd: folder, env: { ...process.env, GOFLAGS: '', GOPROXY: 'off', GOTOOLCHAIN: 'local', GOWORK: 'off' } });
  return (body, headers, secret) => {
    const { status, stderr } = spawnSync(join(folder, 'verify'), { input: JSON.stringify({ body, headers, secret }), encoding: 'utf8' });
    if (status !== 0 && status !== 3) throw new Error(stderr);
    return status === 0;
  };
}

function throws(run: () => void): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}
