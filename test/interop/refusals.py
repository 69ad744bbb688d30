"""What must be refused, as an independent client sees it: prints one JSON line per call.

The details are taken from the trailer by Google's own protos, not by the example's wrapper.
"""

import json
import sys

import grpc
from google.protobuf import empty_pb2
from google.rpc import error_details_pb2, status_pb2

from safeguards.v1 import budget_admin_service_pb2 as admin_pb2
from safeguards.v1 import budget_admin_service_pb2_grpc as admin_grpc
from safeguards.v1 import budget_service_pb2 as agent_pb2
from safeguards.v1 import budget_service_pb2_grpc as agent_grpc

agent_address, admin_address, token = sys.argv[1:]


def admin(address):
    return admin_grpc.BudgetAdminServiceStub(grpc.insecure_channel(address))


def agent(address):
    return agent_grpc.BudgetServiceStub(grpc.insecure_channel(address))


def unknown(address):
    return grpc.insecure_channel(address).unary_unary(
        "/safeguards.v1.BudgetService/Mint",
        request_serializer=empty_pb2.Empty.SerializeToString,
        response_deserializer=empty_pb2.Empty.FromString,
    )


def refusal(name, call, request, metadata=()):
    seen = {"name": name, "code": "OK"}
    try:
        call(request, timeout=30, metadata=metadata)
    except grpc.RpcError as error:
        seen["code"] = error.code().name
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                status = status_pb2.Status.FromString(value)
                seen["status"] = status.code
                for detail in status.details:
                    info = error_details_pb2.ErrorInfo()
                    fields = error_details_pb2.BadRequest()
                    if detail.Unpack(info):
                        seen["reason"], seen["domain"] = info.reason, info.domain
                    if detail.Unpack(fields):
                        seen["fields"] = sorted(v.field for v in fields.field_violations)
    print(json.dumps(seen))


make = admin_pb2.CreatePoolRequest(name="p")
bearer = lambda value: [("authorization", f"Bearer {value}")]  # noqa: E731
refusal("admin on the agent listener", admin(agent_address).CreatePool, make, bearer(token))
refusal("no token", admin(admin_address).CreatePool, make)
refusal("wrong token", admin(admin_address).CreatePool, make, bearer("wrong"))
refusal("right token", admin(admin_address).CreatePool, make, bearer(token))
refusal("agent call without a token", agent(admin_address).GetBudget,
        agent_pb2.GetBudgetRequest(agent_id="nobody"))
refusal("unknown agent", agent(agent_address).GetBudget,
        agent_pb2.GetBudgetRequest(agent_id="nobody"))
refusal("malformed", agent(agent_address).Spend,
        agent_pb2.SpendRequest(agent_id="-", amount="1e3"))
refusal("unknown method", unknown(agent_address), empty_pb2.Empty())
