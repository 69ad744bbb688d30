import { create, toBinary } from '@bufbuild/protobuf';
import { BudgetAdminService } from '../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { CreateAgentRequestSchema } from '../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { INITIAL_BUDGET, agentId } from './requests.js';
import { Connection } from './wire/connection.js';

/** Makes so many agents of the load in the pool `default`. */
export async function createAgents(adminAddress: string, count: number): Promise<void> {
  const path = `/${BudgetAdminService.typeName}/CreateAgent`;
  await new Promise<void>((resolve, reject) => {
    Connection.open(adminAddress, reject).then((connection) => {
      let made = 0;
      for (let number = 0; number < count; number += 1) {
        connection.unary(path, createRequest(number), () => {
          made += 1;
          if (made < count) return;
          connection.close();
          resolve();
        });
      }
      connection.flush();
    }, reject);
  });
}

function createRequest(number: number): Buffer {
  const request = create(CreateAgentRequestSchema, {
    agentId: agentId(number),
    name: 'bench',
    initialBudget: INITIAL_BUDGET,
  });
  return Buffer.from(toBinary(CreateAgentRequestSchema, request));
}
