import type { Config } from './config';

/** Where the web UI of the local Temporal is, unless told otherwise. */
const LOCAL_UI = 'http://127.0.0.1:8233';

/** The page of a workflow in Temporal's web UI; of its newest run where `runId` is null. */
export function workflowUrl(config: Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>, workflowId: string, runId: string | null): string {
  const base = (config.TEMPORAL_UI_URL ?? LOCAL_UI).replace(/\/+$/, '');
  // Ids hold slashes (`event/evt_…`), which the UI wants encoded.
  const workflow = `${base}/namespaces/${encodeURIComponent(config.TEMPORAL_NAMESPACE)}/workflows/${encodeURIComponent(workflowId)}`;
  return runId === null ? workflow : `${workflow}/${encodeURIComponent(runId)}/history`;
}
