import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalCli } from '../../src/embedded/temporal-cli';

describe("Temporal's command line", () => {
  let folder: string;
  let lines: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'posthorn-cli-'));
    lines = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const script = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  };
  /** Nobody listens there, so nothing can be downloaded. */
  const archives = 'https://127.0.0.1:1/archive';
  const find = (path?: string): Promise<string> =>
    findTemporalCli({ path, searchPath: join(folder, 'bin'), cacheDir: join(folder, 'cache', 'temporal'), archives, progress: (line) => lines.push(line) });

  it('is the one of the settings, else the one on the PATH, else the one that was installed before', async () => {
    const cached = await script('cache/temporal/temporal', 'exit 0');
    expect(await find()).toBe(cached);
    const onPath = await script('bin/temporal', 'exit 0');
    expect(await find()).toBe(onPath);
    const given = await script('given', 'exit 0');
    expect(await find(given)).toBe(given);
    expect(lines).toEqual([]);
  });

  it('is not what the settings name where that does not run', async () => {
    const broken = await script('broken', 'exit 1');
    await expect(find(broken)).rejects.toThrow(`TEMPORAL_CLI: ${broken} is no temporal binary that runs here`);
  });

  it('is built with Go where it can not be downloaded', async () => {
    await script('bin/go', `if [ "$1" = env ]; then echo go1.25.0; else echo '#!/bin/sh' > "$GOBIN/temporal" && /bin/chmod 755 "$GOBIN/temporal"; fi`);
    expect(await find()).toBe(join(folder, 'cache', 'temporal', 'temporal'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/No download \(.*ECONNREFUSED.*\): building it with Go/);
  });

  it('names what was tried and the ways out where there is none, and leaves nothing behind', async () => {
    await script('bin/go', 'echo go1.22.3');
    await expect(find()).rejects.toThrow(/download of version [\d.]+: .*ECONNREFUSED[^]*go install: Go 1.25 or newer is needed \(seen: go1.22.3\)[^]*TEMPORAL_CLI[^]*TEMPORAL_ADDRESS/);
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });
});
