/** What a case publishes to: a workspace of its own, with endpoints at the receiver. */

/** The policy of the bench's endpoints: wide enough that it never limits. */
export const WIDE = { maxInFlight: 50, ratePerSecond: 5_000 };

/** Where nobody listens: the port of a service that no machine has run for decades. */
const CLOSED = 'http://127.0.0.1:1';

/**
 * How an endpoint is made. `behaviour`: it answers 200, after 20 s, with 500, or its port is closed.
 * @typedef {{ events?: readonly string[], policy?: object, behaviour?: 'well' | 'hang' | 'fail' | 'refuse' }} EndpointSpec
 */

/**
 * A workspace with endpoints at the receiver; one that hears all of the bench's events, unless told.
 * @param {{ endpoints?: readonly EndpointSpec[] }} options
 */
export async function openWorkspace(bench, { endpoints = [{}] } = {}) {
  const { stack } = bench;
  const name = `bench-${bench.nextNumber()}`;
  const { id } = await stack.call('POST', '/v1/workspaces', { name });
  const { key } = await stack.call('POST', '/v1/api-keys', { name, role: 'admin' }, undefined, { 'posthorn-workspace': id });
  const workspace = { id, name, key, endpoints: [], call: (method, path, body) => stack.call(method, path, body, key) };
  await addEndpoints(bench, workspace, endpoints);
  return workspace;
}

/**
 * Adds endpoints to a workspace.
 * @param {readonly EndpointSpec[]} specs
 * @returns {Promise<{ id: string, path: string, secret: string, isWell: boolean }[]>}
 */
export async function addEndpoints(bench, workspace, specs) {
  const first = workspace.endpoints.length;
  const made = await Promise.all(specs.map(async ({ events = ['bench.*'], policy = WIDE, behaviour = 'well' }, n) => {
    const path = `${behaviour === 'well' ? '' : `/~${behaviour}`}/${workspace.name}/${first + n}`;
    const { id, secret } = await workspace.call('POST', '/v1/endpoints', { url: `${behaviour === 'refuse' ? CLOSED : bench.receiverUrl}${path}`, events, policy });
    return { id, path, secret, isWell: behaviour === 'well' };
  }));
  workspace.endpoints.push(...made);
  return made;
}
