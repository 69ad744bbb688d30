"""A thin wrapper over the generated stubs: amounts as Decimal, errors with their reasons."""

import argparse
import pathlib
import sys
import uuid
from decimal import Decimal

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

# Where generate.sh puts the stubs by default; PYTHONPATH may name another folder.
sys.path.append(str(pathlib.Path(__file__).parent / "generated"))

from safeguards.v1 import (  # noqa: E402
    budget_admin_service_pb2 as admin_pb2,
    budget_admin_service_pb2_grpc as admin_grpc,
    budget_service_pb2 as agent_pb2,
    budget_service_pb2_grpc as agent_grpc,
    decision_pb2,
)

TIMEOUT_S = 30


class Agent:
    """What an agent does: ask for a budget, spend from it, hold money before a call."""

    def __init__(self, address: str):
        self._channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
        self._stub = agent_grpc.BudgetServiceStub(self._channel)

    def budget(self, agent_id: str):
        request = agent_pb2.GetBudgetRequest(agent_id=agent_id)
        return self._stub.GetBudget(request, timeout=TIMEOUT_S).budget

    def spend(self, agent_id: str, amount: Decimal, request_id: str = "", **more):
        """Spends an amount. The same request_id gets the same answer and no second effect."""
        request = agent_pb2.SpendRequest(
            request_id=request_id or str(uuid.uuid4()),
            agent_id=agent_id,
            amount=format(amount, "f"),
            mode=decision_pb2.SPEND_MODE_STRICT,
            **more,
        )
        return self._stub.Spend(request, timeout=TIMEOUT_S)

    def reserve(self, agent_id: str, amount: Decimal):
        request = agent_pb2.ReserveRequest(
            request_id=str(uuid.uuid4()), agent_id=agent_id, amount=format(amount, "f")
        )
        return self._stub.Reserve(request, timeout=TIMEOUT_S)

    def commit(self, reservation_id: str, amount: Decimal):
        request = agent_pb2.CommitRequest(
            request_id=str(uuid.uuid4()), reservation_id=reservation_id, amount=format(amount, "f")
        )
        return self._stub.Commit(request, timeout=TIMEOUT_S)

    def close(self):
        self._channel.close()


class Operator:
    """What an operator does: make pools and agents, set budgets. Shows the admin token."""

    def __init__(self, address: str, token: str):
        self._channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
        self._stub = admin_grpc.BudgetAdminServiceStub(self._channel)
        self._call = {"timeout": TIMEOUT_S}
        if token:
            self._call["metadata"] = [("authorization", f"Bearer {token}")]

    def create_budget_pool(self, name: str, initial_budget: Decimal, priority: int):
        request = admin_pb2.CreatePoolRequest(
            name=name, initial_budget=format(initial_budget, "f"), priority=priority
        )
        return self._stub.CreatePool(request, **self._call).pool

    def list_pools(self):
        """Every pool, by priority, highest first."""
        token = ""
        while True:
            request = admin_pb2.ListPoolsRequest(page_token=token)
            page = self._stub.ListPools(request, **self._call)
            yield from page.pools
            token = page.next_page_token
            if not token:
                return

    def create_agent(self, name: str, initial_budget: Decimal, priority: int = 5, pool_id: str = ""):
        """Makes an agent; without a pool it joins the pool `default`."""
        request = admin_pb2.CreateAgentRequest(
            name=name,
            initial_budget=format(initial_budget, "f"),
            priority=priority,
            pool_id=pool_id,
        )
        return self._stub.CreateAgent(request, **self._call).agent

    def update_budget(self, agent_id: str, amount: Decimal, reason: str = ""):
        """Sets what remains to the agent. Never counts as usage."""
        request = admin_pb2.SetBudgetRequest(
            agent_id=agent_id, amount=format(amount, "f"), reason=reason
        )
        return self._stub.SetBudget(request, **self._call).budget

    def close(self):
        self._channel.close()


def reason_of(error: grpc.RpcError) -> str:
    """The reason that the sidecar gives with every error: what a program codes against."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return ""


def arguments(description: str) -> argparse.Namespace:
    """Where the sidecar is; the defaults are those of `safeguards serve`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--address", default="127.0.0.1:7450", help="host:port or unix:/path")
    parser.add_argument("--admin-address", default="127.0.0.1:7451", help="host:port")
    parser.add_argument(
        "--token-file", default="safeguards-data/admin.token", help="empty where none is asked for"
    )
    options = parser.parse_args()
    file = options.token_file
    options.token = pathlib.Path(file).read_text().strip() if file else ""
    return options
