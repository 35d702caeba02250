import { createHmac } from 'node:crypto';
import type { TestApi } from './api';
import type { Tell } from './examples';
import { makeOwed } from './owed';
import { SAMPLE_MESSAGE } from './whatsapp';

const SINCE = '2026-11-01T00:00:00.000Z';
const LIST = { query: { limit: '2' } };

/**
 * Every operation of the API once, in an order in which each finds what it needs: the examples of the documentation. `receiver` is
 * the address of a receiver that answers 200.
 */
export async function tellStory(tell: Tell, api: TestApi, receiver: string): Promise<void> {
  await tell('GET /healthz');
  await tell('GET /readyz');
  await tell('POST /v1/workspaces', { body: { name: 'acme' } });
  await tell('GET /v1/workspaces', LIST);
  const key = await tell('POST /v1/api-keys', { body: { name: 'Backend', role: 'write' } });
  await tell('GET /v1/api-keys', LIST);
  await tell('DELETE /v1/api-keys/:keyId', { params: { keyId: key.id } });

  const endpointId = await tellEndpoints(tell, receiver);
  await tellRules(tell, endpointId);
  await tellObjects(tell);
  await tellEvents(tell, api, endpointId);
  await tellEventTypes(tell);
  await tellRecovery(tell, endpointId);
  await tellFlows(tell, receiver);
  await tellChannels(tell, receiver);
  await tell('POST /v1/files', {
    query: { name: 'report.csv' }, headers: { 'content-type': 'text/csv' }, body: 'name,score\nAda,12\n',
  });
  await tell('GET /v1/audit', LIST);
  await tell('GET /v1/stats', { query: { since: SINCE, until: '2026-11-01T02:00:00.000Z' } });
  await tell('DELETE /v1/endpoints/:endpointId', { params: { endpointId } });
}

async function tellEndpoints(tell: Tell, receiver: string): Promise<string> {
  const { id: endpointId } = await tell('POST /v1/endpoints', {
    body: { name: 'My CRM', url: `${receiver}/hook`, events: ['process:*', 'invoice.paid'], headers: { authorization: 'Bearer of-the-receiver' }, policy: { timeout: '10s' } },
  });
  const at = { params: { endpointId } };
  await tell('GET /v1/endpoints', LIST);
  await tell('GET /v1/endpoints/:endpointId', at);
  await tell('PATCH /v1/endpoints/:endpointId', { ...at, body: { policy: { ratePerSecond: 10 }, metadata: { owner: 'sales' } } });
  await tell('GET /v1/endpoints/:endpointId/secret', at);
  await tell('POST /v1/endpoints/:endpointId/rotate-secret', { ...at, body: { graceSeconds: 3600 } });
  await tell('POST /v1/endpoints/:endpointId/test', { ...at, body: { event: { type: 'invoice.paid', data: { invoice: 'in_1', amount: 1200 } } } });
  await tell('POST /v1/endpoints/:endpointId/deactivate', { ...at, body: { reason: 'moving house' } });
  await tell('POST /v1/endpoints/:endpointId/drain', { ...at, body: { action: 'drop' } });
  await tell('POST /v1/endpoints/:endpointId/reactivate', { ...at, body: { drain: true } });
  await tell('GET /v1/endpoints/:endpointId/health', at);
  return endpointId as string;
}

async function tellRules(tell: Tell, endpointId: string): Promise<void> {
  const { id: ruleId } = await tell('POST /v1/rules', {
    body: { name: 'A lead was converted', events: ['process:state-change'], condition: { state: 'CONVERTED' }, endpointIds: [endpointId] },
  });
  const at = { params: { ruleId } };
  await tell('GET /v1/rules', LIST);
  await tell('GET /v1/rules/:ruleId', at);
  await tell('PATCH /v1/rules/:ruleId', { ...at, body: { condition: { state: { $in: ['CONVERTED', 'WON'] } } } });
  await tell('POST /v1/rules/try', {
    body: { ruleId, event: { type: 'process:state-change', object: { type: 'lead', state: 'CONVERTED' }, previous: { state: 'NEW' }, changes: ['state'] } },
  });
  await tell('POST /v1/transform/try', {
    body: {
      transform: { language: 'jsonata', expression: '{"text": "Invoice " & data.invoice & " over " & data.amount & " EUR"}' },
      event: { type: 'invoice.paid', data: { invoice: 'in_1', amount: 1200 } },
    },
  });
  await tell('POST /v1/rules/:ruleId/backfill', { ...at, body: { endpointId, since: SINCE, dryRun: true } });
  await tell('DELETE /v1/rules/:ruleId', at);
}

async function tellObjects(tell: Tell): Promise<void> {
  const kinds = [
    { path: 'records', idName: 'recordId', create: { type: 'customer', primaryKey: 'c-1', attributes: { name: 'Ada', city: 'Graz' } }, change: { attributes: { city: 'Pune' } } },
    { path: 'processes', idName: 'processId', create: { type: 'lead', primaryKey: 'l-1', state: 'NEW', attributes: { source: 'website' } }, change: { state: 'CONVERTED' } },
    { path: 'tasks', idName: 'taskId', create: { type: 'call', primaryKey: 't-1', attributes: { due: '2026-12-01' } }, change: { status: 'DONE' } },
  ];
  let above: Record<string, string> = {};
  for (const { path, idName, create, change } of kinds) {
    const { type, primaryKey } = create;
    const made = await tell(`POST /v1/${path}`, { body: { ...create, ...above } });
    const byId = { params: { [idName]: made.id as string } };
    const byKey = { params: { type, primaryKey } };
    const other = { type, primaryKey: `${primaryKey}0` };
    await tell(`GET /v1/${path}`, { query: { type, limit: '2' } });
    await tell(`GET /v1/${path}/:${idName}`, byId);
    await tell(`PATCH /v1/${path}/:${idName}`, { ...byId, headers: { 'If-Match': '"1"' }, body: { ...change, actor: { userId: 'u-7' } } });
    await tell(`GET /v1/${path}/by-primary-key/:type/:primaryKey`, byKey);
    await tell(`PATCH /v1/${path}/by-primary-key/:type/:primaryKey`, { params: other, query: { upsert: 'true' }, body: { ...change, ...above } });
    await tell(`DELETE /v1/${path}/by-primary-key/:type/:primaryKey`, { params: other });
    await tell(`POST /v1/${path}/bulk`, { body: { items: [{ ...create, ...above, primaryKey: `${primaryKey}1` }] } });
    await tell(`PATCH /v1/${path}/bulk`, { body: { items: [{ type, primaryKey, ...change }] } });
    above = { [idName]: made.id as string };
  }
  const { job } = await tell('POST /v1/records/bulk', { body: { items: [{ type: 'customer', primaryKey: 'c-2' }] } });
  const at = { params: { jobId: job.id as string } };
  await tell('GET /v1/jobs', LIST);
  await tell('GET /v1/jobs/:jobId', at);
  await tell('GET /v1/jobs/:jobId/entries', { ...at, query: { limit: '2' } });
  for (const action of ['pause', 'resume', 'cancel']) await tell(`POST /v1/jobs/:jobId/${action}`, at);
  for (const [path, idName] of [['tasks', 'taskId'], ['processes', 'processId'], ['records', 'recordId']] as const) {
    const { data: [gone] } = await tell(`GET /v1/${path}`, LIST);
    await tell(`DELETE /v1/${path}/:${idName}`, { params: { [idName]: gone.id as string }, body: { actor: { userId: 'u-7' } } });
  }
}

async function tellEvents(tell: Tell, api: TestApi, endpointId: string): Promise<void> {
  const { id: eventId } = await tell('POST /v1/events', { body: { type: 'invoice.paid', data: { invoice: 'in_1', amount: 1200 }, id: 'in_1-paid' } });
  await tell('POST /v1/events/batch', { body: { events: [{ type: 'invoice.paid', data: { invoice: 'in_2', amount: 80 } }, { type: 'not a type', data: {} }] } });
  const [{ workspace_id: workspaceId } = { workspace_id: '' }] = await api.db.query<{ workspace_id: string }>({ text: 'select workspace_id from endpoints where id = $1', values: [endpointId] });
  // Nothing plans here: what a worker would have made is put in its place.
  const { id: deliveryId } = await makeOwed(api.db, workspaceId, endpointId, { eventId, status: 'RETRYING', attemptCount: 1 });
  await tell('GET /v1/events', { query: { type: 'invoice.paid', limit: '2' } });
  await tell('GET /v1/events/:eventId', { params: { eventId } });
  await tell('GET /v1/deliveries', { query: { status: 'RETRYING', limit: '2' } });
  await tell('GET /v1/deliveries/:deliveryId', { params: { deliveryId } });
  await tell('POST /v1/deliveries/:deliveryId/retry', { params: { deliveryId } });
  await tell('POST /v1/deliveries/:deliveryId/cancel', { params: { deliveryId } });
  await tell('POST /v1/events/:eventId/resend', { params: { eventId }, body: { endpointIds: [endpointId] } });
}

async function tellEventTypes(tell: Tell): Promise<void> {
  const at = { params: { type: 'invoice.paid' } };
  await tell('PUT /v1/event-types/:type', {
    ...at,
    body: {
      description: 'An invoice was paid in full.', enforce: 'reject', example: { invoice: 'in_1', amount: 1200 },
      schema: { type: 'object', required: ['invoice', 'amount'], properties: { invoice: { type: 'string' }, amount: { type: 'integer', minimum: 1 } } },
    },
  });
  await tell('GET /v1/event-types', { query: { kind: 'custom', limit: '2' } });
  await tell('GET /v1/event-types/:type', at);
  await tell('DELETE /v1/event-types/:type', at);
}

async function tellRecovery(tell: Tell, endpointId: string): Promise<void> {
  await tell('POST /v1/endpoints/:endpointId/recover', { params: { endpointId }, body: { since: SINCE, only: 'failed' } });
}

async function tellFlows(tell: Tell, receiver: string): Promise<void> {
  const flow = 'onboarding';
  const { id: endpointId } = await tell('POST /v1/flows/:flow/webhooks', { params: { flow }, body: { url: `${receiver}/flow` } });
  const at = { params: { flow, endpointId: endpointId as string } };
  await tell('GET /v1/flows/:flow/webhooks', { params: { flow }, ...LIST });
  await tell('POST /v1/flows/:flow/webhooks/:endpointId/test', at);
  await tell('POST /v1/flows/:flow/webhooks/:endpointId/refresh', at);
  await tell('DELETE /v1/flows/:flow/webhooks/:endpointId', at);
}

async function tellChannels(tell: Tell, receiver: string): Promise<void> {
  const { id: passThroughEndpointId } = await tell('POST /v1/endpoints', { body: { url: `${receiver}/meta`, dialect: 'meta' } });
  const { id: channelId } = await tell('POST /v1/channels', { body: { kind: 'whatsapp', verifyToken: 'a-word-for-meta', appSecret: 'the-app-secret', passThroughEndpointId } });
  const at = { params: { channelId: channelId as string } };
  await tell('GET /v1/channels', LIST);
  await tell('GET /v1/channels/:channelId', at);
  await tell('PATCH /v1/channels/:channelId', { ...at, body: { events: ['message', 'status'] } });
  await tell('GET /inbound/:channelId', { ...at, query: { 'hub.mode': 'subscribe', 'hub.verify_token': 'a-word-for-meta', 'hub.challenge': '1158201444' } });
  const signature = createHmac('sha256', 'the-app-secret').update(SAMPLE_MESSAGE).digest('hex');
  await tell('POST /inbound/:channelId', { ...at, headers: { 'X-Hub-Signature-256': `sha256=${signature}` }, body: SAMPLE_MESSAGE });
  await tell('DELETE /v1/channels/:channelId', at);
}
