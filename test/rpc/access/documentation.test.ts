import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { BudgetAdminService } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../../src/gen/safeguards/v1/violation_service_pb.js';
import { permits } from '../../../src/rpc/access/matrix.js';
import { ROLES } from '../../../src/rpc/access/principal.js';

const SERVICES = [BudgetService, BudgetAdminService, MetricsService, ViolationService];

/** The table of docs/security.md: for each service and the roles that may call, the methods. */
function table(): string {
  const rows = SERVICES.flatMap((service) => {
    const byRoles = new Map<string, string[]>();
    for (const method of service.methods) {
      const roles = ROLES.filter((role) => permits(role, method)).join(', ');
      byRoles.set(roles, [...(byRoles.get(roles) ?? []), method.name]);
    }
    return [...byRoles].map(
      ([roles, names]) => `| ${service.name} | ${roles} | ${names.join(', ')} |`,
    );
  });
  return ['| service | roles | RPCs |', '|---|---|---|', ...rows].join('\n');
}

test('docs/security.md shows who may call what', () => {
  const file = path.join(import.meta.dirname, '../../../docs/security.md');
  expect(readFileSync(file, 'utf8')).toContain(`\n${table()}\n`);
});
