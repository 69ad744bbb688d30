/** The README's table of RPCs says what the listeners serve, no more and no less. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { servingState } from '../../src/rpc/health.js';
import type { MountedService } from '../../src/rpc/method.js';
import { adminPlane, agentPlane } from '../../src/rpc/plane.js';
import { linksOfReadme, rpcTable } from '../support/readme.js';
import { ROOT } from '../support/sidecar.js';
import { fakeLedger } from './support/fake-ledger.js';
import { LIMITS, NOTIFICATIONS } from './support/harness.js';

const SERVICES: readonly DescService[] = [
  BudgetService,
  MetricsService,
  ViolationService,
  BudgetAdminService,
];

const table = rpcTable();
const rows = table.flatMap(({ service, rpcs, listener }) =>
  rpcs.map((rpc) => ({ name: `${service}/${rpc}`, listener })),
);
const options = {
  ledger: fakeLedger(),
  limits: LIMITS,
  version: '0',
  limitsTable: {},
  startTime: 0,
  notifications: NOTIFICATIONS,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
};

/** What a plane serves of the services of this package. */
function servedBy(plane: readonly MountedService[]): readonly string[] {
  return plane
    .filter(({ desc }) => SERVICES.includes(desc))
    .flatMap(({ desc, methods }) => methods.map((method) => `${desc.name}/${method.desc.name}`))
    .sort();
}

function namesOf(listeners: readonly string[]): readonly string[] {
  return rows
    .filter(({ listener }) => listeners.includes(listener))
    .map(({ name }) => name)
    .sort();
}

describe('the README’s table of RPCs', () => {
  test('has every RPC that the protos declare, once', () => {
    const declared = SERVICES.flatMap(({ name, methods }) =>
      methods.map((method) => `${name}/${method.name}`),
    );
    expect(declared.length).toBeGreaterThan(80);
    expect(rows.map(({ name }) => name).sort()).toEqual(declared.sort());
  });

  test('says which the agent listener serves', () => {
    expect(namesOf(['both'])).toEqual(servedBy(agentPlane(options, servingState())));
  });

  test('says which the operator listener serves', () => {
    expect(namesOf(['both', 'operators'])).toEqual(servedBy(adminPlane(options, servingState())));
  });

  test('keeps each service together and names each area once', () => {
    const services = table.map(({ service }) => service);
    const runs = services.filter((service, at) => service !== services[at - 1]);
    expect(runs).toEqual(SERVICES.map(({ name }) => name));
    const areas = table.map(({ service, area }) => `${service} ${area}`);
    expect([...new Set(areas)]).toEqual(areas);
  });
});

test('the README links to files that are there', () => {
  const links = linksOfReadme();
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((to) => !existsSync(path.join(ROOT, to)))).toEqual([]);
});
