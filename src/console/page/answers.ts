/** What the API answers, as far as the console looks at it: see /docs/api. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

export type EndpointStatus = 'ACTIVE' | 'FAILING' | 'DEACTIVATED';

export type Auth =
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | {
    readonly type: 'oauth2'; readonly tokenUrl: string; readonly clientId: string; readonly clientSecret: string;
    readonly scope: string | null; readonly audience: string | null; readonly clientAuth: 'basic' | 'post';
  };

export interface Tls {
  readonly certificate: string | null;
  readonly key: string | null;
  readonly ca: string | null;
}

export interface Transform {
  readonly expression: string;
  readonly enabled: boolean;
}

export interface Endpoint {
  readonly id: string;
  readonly name: string | null;
  readonly url: string;
  readonly dialect: string;
  readonly events: readonly string[];
  readonly scope: string | null;
  readonly status: EndpointStatus;
  readonly statusReason: string | null;
  readonly statusSince: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transform: Transform | null;
  readonly auth: Auth | null;
  readonly tls: Tls | null;
  readonly createdAt: string;
}

export interface Health {
  readonly consecutiveFailures: number;
  readonly lastSuccessAt: string | null;
  readonly lastFailure: { readonly at: string; readonly outcome: string | null } | null;
  readonly held: number;
  readonly pending: number;
  readonly drainPaused: boolean;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly successRate: { readonly lastHour: number | null; readonly lastDay: number | null };
  readonly workflow: { readonly id: string; readonly url: string };
}

export interface Counts {
  readonly events: number | null;
  readonly owed: number;
  readonly delivered: number;
  readonly failedAttempts: number;
  readonly exhausted: number;
  readonly successRate: number | null;
  readonly deliveredPerSecond: number;
  readonly latency: { readonly p50Ms: number | null; readonly p95Ms: number | null };
  readonly duration: { readonly p50Ms: number | null; readonly p95Ms: number | null };
}

export interface Unwell {
  readonly id: string;
  readonly name: string | null;
  readonly url: string;
  readonly status: EndpointStatus;
  readonly reason: string | null;
  readonly since: string;
  readonly consecutiveFailures: number;
}

export interface Stats {
  readonly hours: readonly (Counts & { readonly hour: string })[];
  readonly total: Counts;
  readonly held: { readonly count: number; readonly complete: boolean };
  readonly endpoints: { readonly active: number; readonly failing: number; readonly deactivated: number };
  readonly unwell: readonly Unwell[];
}

export interface Workflow {
  readonly id: string;
  readonly url: string;
}

export interface Event {
  readonly id: string;
  readonly type: string;
  readonly sequence: number | null;
  readonly objectKind: string | null;
  readonly objectId: string | null;
  readonly object: unknown;
  readonly previous: unknown;
  readonly changes: readonly string[] | null;
  readonly data: unknown;
  readonly createdAt: string;
  readonly owed: number | null;
  readonly delivered: boolean | null;
}

export interface EventDetail extends Event {
  readonly deliveries: readonly { readonly id: string; readonly endpointId: string; readonly status: string; readonly attemptCount: number }[];
  readonly workflow: Workflow | null;
}

export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly endpointId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly attemptCount: number;
  readonly nextAttemptAt: string | null;
  readonly resendOf: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Attempt {
  readonly id: string;
  readonly number: number;
  readonly startedAt: string;
  readonly durationMs: number | null;
  readonly statusCode: number | null;
  readonly outcome: string | null;
  readonly error: string | null;
  readonly request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string | null } | null;
  readonly response: { readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly truncated: boolean } | null;
}

export interface DeliveryDetail extends Delivery {
  readonly attempts: readonly Attempt[];
  readonly workflow: Workflow | null;
}

export interface EventType {
  readonly type: string;
  readonly kind: string;
  readonly dialects: readonly string[] | null;
  readonly description: string | null;
  readonly schema: unknown;
  readonly enforce: 'off' | 'warn' | 'reject';
  readonly example?: unknown;
  readonly archived: boolean;
  readonly updatedAt: string | null;
}

export interface EventTypeDetail extends EventType {
  readonly sample?: unknown;
}

export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly events: readonly string[];
  readonly condition: unknown;
  readonly endpointIds: readonly string[];
  readonly enabled: boolean;
  readonly updatedAt: string;
}

export interface Tracked {
  readonly id: string;
  readonly kind: string;
  readonly type: string;
  readonly primaryKey: string | null;
  readonly state?: string | null;
  readonly status?: string;
  readonly recordId?: string | null;
  readonly processId?: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly status: 'QUEUED' | 'RUNNING' | 'PAUSED' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, number>> | null;
  readonly error: string | null;
  readonly workflow: Workflow | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}
