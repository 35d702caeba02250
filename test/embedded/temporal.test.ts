import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { startTemporal } from '../../src/embedded/temporal';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { SEARCH_ATTRIBUTE_TYPES } from '../../src/search-attributes';

describe('The local Temporal', () => {
  let folder: string;
  let cli: string;
  beforeAll(async () => {
    cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'] });
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'posthorn-temporal-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('knows our search attributes, keeps workflows for a week, and does so again after a restart', async () => {
    for (let start = 1; start <= 2; start++) {
      const { address, uiUrl, server } = await startTemporal(folder, { cli, ports: 'free' });
      const connection = await Connection.connect({ address });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      await server.stop();

      expect(uiUrl).toBeNull();
      expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTE_TYPES)));
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(7 * 86_400);
      expect(server.ended()).toBe(true);
    }
  });

  it('takes the next pair of ports where the usual ones are taken', async () => {
    const taken: Server[] = [];
    for (const port of [7233, 8234]) {
      const other = createServer().listen(port, '127.0.0.1');
      // Where it is taken by others, such as the Posthorn of another test, it may be free again by the time it is asked for.
      await once(other, 'listening').then(() => taken.push(other), () => undefined);
    }
    const held = taken.map((other) => (other.address() as AddressInfo).port);
    const { address, uiUrl, server } = await startTemporal(folder, { cli });
    await server.stop();
    for (const other of taken) other.close();

    const port = Number(address.split(':')[1]);
    expect(port).toBeGreaterThanOrEqual(7233);
    expect([port, port + 1000].filter((one) => held.includes(one))).toEqual([]);
    expect(uiUrl).toBe(`http://127.0.0.1:${port + 1000}`);
  });

  it('is ended where it runs and answers nothing any more, so that it can be started again', async () => {
    const told: string[] = [];
    const { server } = await startTemporal(folder, { cli, ports: 'free', silentMs: 2_000, progress: (line) => told.push(line) });
    process.kill(Number(await readFile(join(folder, 'temporal.pid'), 'utf8')), 'SIGSTOP');
    await server.end;
    expect(told).toEqual([expect.stringMatching(/^Temporal's dev server has answered nothing for 2 s \(.+\): it is ended$/)]);
  });

  it('says what its server said where that can not start', async () => {
    await rm(folder, { recursive: true });
    const folderIsAFile = join(__filename, 'data');
    await expect(startTemporal(folderIsAFile, { cli, ports: 'free' })).rejects.toThrow(/ENOTDIR/);
  });
});
