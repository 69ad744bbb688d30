import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../gen/grpc/health/v1/health_pb.js';
import type { HealthCheckResponse } from '../gen/grpc/health/v1/health_pb.js';
import { mountedService } from './method.js';
import type { MountedService } from './method.js';
import { refuse } from './status.js';

/** Whether the sidecar serves, and who wants to know. */
export interface ServingState {
  readonly serving: boolean;
  set(serving: boolean): void;
  /** Calls the listener at every change. Returns what stops that. */
  watch(listener: () => void): () => void;
}

/** Begins with serving. */
export function servingState(): ServingState {
  const listeners = new Set<() => void>();
  let serving = true;
  return {
    get serving() {
      return serving;
    },
    set(value) {
      if (serving === value) return;
      serving = value;
      for (const listener of [...listeners]) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * grpc.health.v1 of the whole (the empty name) and of each service of the same mount. All have one
 * state: the sidecar serves, or it does not.
 */
export function healthService(
  state: ServingState,
  services: readonly MountedService[],
): MountedService {
  const names = ['', ...services.map(({ desc }) => desc.typeName), Health.typeName];
  const known = new Set(names);
  const statusOf = (name: string): HealthCheckResponse => {
    if (!known.has(name)) return response(Status.SERVICE_UNKNOWN);
    return response(state.serving ? Status.SERVING : Status.NOT_SERVING);
  };
  return mountedService(
    Health,
    {
      check: ({ service }) =>
        known.has(service)
          ? statusOf(service)
          : refuse('NOT_FOUND', 'No such service is served here'),
      list: () => ({
        $typeName: 'grpc.health.v1.HealthListResponse',
        statuses: Object.fromEntries(names.map((name) => [name, statusOf(name)])),
      }),
      watch: ({ service }, _caller, signal) => watch(state, () => statusOf(service), signal),
    },
    { open: true },
  );
}

async function* watch(
  state: ServingState,
  current: () => HealthCheckResponse,
  signal: AbortSignal,
): AsyncIterable<HealthCheckResponse> {
  let wake = (): void => undefined;
  const unwatch = state.watch(() => wake());
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    let sent: HealthCheckResponse['status'] | undefined;
    for (;;) {
      const now = current();
      if (now.status !== sent) {
        sent = now.status;
        yield now;
      }
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || current().status !== sent) resolve();
      });
    }
  } finally {
    unwatch();
    signal.removeEventListener('abort', onAbort);
  }
}

function response(status: HealthCheckResponse['status']): HealthCheckResponse {
  return { $typeName: 'grpc.health.v1.HealthCheckResponse', status };
}
