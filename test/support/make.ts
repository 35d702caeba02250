import { createNewId } from '../../src/ids';
import type { Sql } from '../../src/store/db';
import { insertEvents, type NewEvent } from '../../src/store/event-insert';

/** Ids of this test process. */
export const newId = createNewId();

/** A workspace of its own. */
export async function makeWorkspace(sql: Sql): Promise<string> {
  const id = newId('workspace');
  await sql.query({ text: 'insert into workspaces (id, name) values ($1, $1)', values: [id] });
  return id;
}

/** An endpoint row with its health, at `url`. */
export async function makeEndpoint(sql: Sql, workspaceId: string, fields: { url?: string; events?: readonly string[]; policy?: object; status?: string } = {}): Promise<string> {
  const id = newId('endpoint');
  const { url = 'http://127.0.0.1:9/', events = ['*'], policy = {}, status = 'ACTIVE' } = fields;
  await sql.query({
    text: `insert into endpoints (id, workspace_id, url, dialect, events, policy, status) values ($1, $2, $3, 'standard', $4, $5, $6)`,
    values: [id, workspaceId, url, events, JSON.stringify(policy), status],
  });
  await sql.query({ text: 'insert into endpoint_health (endpoint_id) values ($1)', values: [id] });
  return id;
}

/** A workspace with an endpoint in it, the default one. */
export async function makeOwner(sql: Sql): Promise<{ workspaceId: string; endpointId: string }> {
  const workspaceId = await makeWorkspace(sql);
  return { workspaceId, endpointId: await makeEndpoint(sql, workspaceId) };
}

/** Custom events, stored with their outbox rows. */
export async function makeEvents(sql: Sql, workspaceId: string, count: number, type = 'test.happened'): Promise<string[]> {
  const events = Array.from({ length: count }, (_, n): NewEvent => ({
    id: newId('event'), workspaceId, externalId: null, type, sequence: null, causedBy: null, objectKind: null, objectId: null,
    object: null, previous: null, changes: null, data: JSON.stringify({ n }), actor: null, occurredAt: new Date(),
  }));
  await insertEvents(sql, events);
  return events.map(({ id }) => id);
}
