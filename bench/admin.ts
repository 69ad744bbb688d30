import { createClient, type Client } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { BudgetAdminService } from '../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { MetricsService } from '../src/gen/safeguards/v1/metrics_service_pb.js';

/** Clients for what a scenario prepares: they say what went wrong. */
export interface Operator {
  readonly admin: Client<typeof BudgetAdminService>;
  readonly metrics: Client<typeof MetricsService>;
}

/** Clients of a sidecar's operator listener, `host:port`. */
export function operatorOf(address: string): Operator {
  const transport = createGrpcTransport({ baseUrl: `http://${address}` });
  return {
    admin: createClient(BudgetAdminService, transport),
    metrics: createClient(MetricsService, transport),
  };
}
