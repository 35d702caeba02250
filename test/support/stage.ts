import { startApi, type TestApi } from './api';
import { type Violation, violationsAt } from './checks';
import { openReceiver, type Receiver } from './receiver';
import { type Service, type ServiceOptions, startService, type TestEndpoint } from './service';

/** What most test files need: a service, and a receiver to which it delivers. Both are there only while tests and their hooks run. */
export interface Stage {
  readonly service: Service;
  readonly receiver: Receiver;
  /** What is wrong with all that was done for the endpoint at `path` of the receiver, which was owed just these events. */
  violations(endpoint: TestEndpoint, path: string, eventIds: readonly string[], crashes: number): Promise<Violation[]>;
}

/** How the service is started, and with `tls` what the receiver's certificate is. */
export interface StageOptions extends ServiceOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
}

type Close = () => unknown;

/** The options, or how to get at them: what is opened for that is handed to `later`, to be closed after the service. */
export type StageSetting = StageOptions | ((later: (close: Close) => void) => StageOptions | Promise<StageOptions>);

/**
 * Has a service and a receiver opened before all tests of a file (or `each` one) and closed after them. Whatever fails on the
 * way, all that was opened is closed, the last one first, and then the first fault is thrown.
 */
export function useService(setting: StageSetting = {}, { each = false }: { readonly each?: boolean } = {}): Stage {
  let service: Service | undefined;
  let receiver: Receiver | undefined;
  useOpened(each, async (later) => {
    later(() => void ([service, receiver] = [undefined, undefined]));
    const { tls, ...options } = typeof setting === 'function' ? await setting(later) : setting;
    const receiving = receiver = await openReceiver(0, tls);
    later(() => receiving.close());
    const serving = service = await startService(options);
    later(() => serving.stop());
  });
  const stage: Stage = {
    service: standIn('The service', () => service),
    receiver: standIn('The receiver', () => receiver),
    violations: (endpoint, path, eventIds, crashes) => violationsAt({ db: stage.service.db, receiver: stage.receiver, endpoint, path, eventIds, crashes }),
  };
  return stage;
}

/** Has an API in this process, with these settings, and a receiver opened before all tests of a file and closed after them, as {@link useService} does. */
export function useApi(settings: Readonly<Record<string, string>> = {}): { readonly api: TestApi; readonly receiver: Receiver } {
  let api: TestApi | undefined;
  let receiver: Receiver | undefined;
  useOpened(false, async (later) => {
    later(() => void ([api, receiver] = [undefined, undefined]));
    const receiving = receiver = await openReceiver();
    later(() => receiving.close());
    const answering = api = await startApi(settings);
    later(() => answering.close());
  });
  return { api: standIn('The API', () => api), receiver: standIn('The receiver', () => receiver) };
}

function useOpened(each: boolean, open: (later: (close: Close) => void) => Promise<void>): void {
  let closings: Close[] = [];
  const close = async (): Promise<void> => {
    const all = closings;
    closings = [];
    const faults: unknown[] = [];
    for (const one of all) await Promise.resolve().then(one).catch((error: unknown) => faults.push(error));
    if (faults.length > 0) throw faults[0];
  };
  (each ? beforeEach : beforeAll)(() => open((one) => void closings.unshift(one)));
  (each ? afterEach : afterAll)(close);
}

/** Stands for what is another one in each test, so that a file can name it once. */
const standIn = <T extends object>(name: string, current: () => T | undefined): T => new Proxy({} as T, {
  get(_, property) {
    const now = current();
    if (!now) throw new Error(`${name} is there only while tests run`);
    return Reflect.get(now, property) as unknown;
  },
});
