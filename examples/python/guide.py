"""Pools, agents, budgets: the first half of the budget management guide, against a sidecar."""

from decimal import Decimal

import grpc

from sidecar import Agent, Operator, arguments, decision_pb2, reason_of


def main() -> None:
    options = arguments(__doc__)
    operator = Operator(options.admin_address, options.token)
    agents = Agent(options.address)

    print("Budget pools")
    operator.create_budget_pool("critical_services", Decimal("1000.0"), priority=9)
    operator.create_budget_pool("standard_services", Decimal("2000.0"), priority=5)
    operator.create_budget_pool("background_tasks", Decimal("500.0"), priority=2)
    total = Decimal(0)
    for pool in operator.list_pools():
        if pool.id == "default":
            continue
        total += Decimal(pool.initial_budget)
        print(f"  {pool.name}: {pool.initial_budget} {pool.unit}, priority {pool.priority}")
    print(f"  in all: {total}")

    print("Agent budgets")
    critical = operator.create_agent("critical_agent", Decimal("200.0"), priority=8)
    standard = operator.create_agent("standard_agent", Decimal("300.0"), priority=5)
    print(f"  Critical agent budget: {agents.budget(critical.id).remaining}")
    print(f"  Standard agent budget: {agents.budget(standard.id).remaining}")

    print("Fixed allocation")
    fixed = operator.create_agent("fixed_budget_agent", Decimal("100.0"), priority=5)
    print(f"  {fixed.name}: {agents.budget(fixed.id).remaining}")

    print("Spending")
    spent = agents.spend(fixed.id, Decimal("30"), category="llm", quantities={"tokens": "1834"})
    print(f"  30: {outcome(spent)}; {spent.budget.spent} spent, {spent.budget.available} available")

    # A denial is an answer, not an error: it says by what, by how much and what would pass.
    denied = agents.spend(fixed.id, Decimal("70.01"))
    why = denied.denial
    print(f"  70.01: {outcome(denied)} {decision_pb2.DenialReason.Name(why.reason)}")
    print(f"    limit {why.limit}, counted {why.counted}, short of {why.shortfall}")
    print(f"    largest amount that passes: {why.largest_amount}")
    print(f"    {why.message}")

    print("The same request twice")
    for _ in range(2):
        again = agents.spend(fixed.id, Decimal("5"), request_id="invoice-17")
        print(f"  replayed {again.replayed}, {again.budget.spent} spent")

    print("A reservation")
    held = agents.reserve(fixed.id, Decimal("60"))
    print(f"  60 held: {held.budget.reserved} reserved, {held.budget.available} available")
    settled = agents.commit(held.reservation.id, Decimal("45"))
    print(
        f"  45 committed: {settled.budget.spent} spent, {settled.budget.reserved} reserved, "
        f"{settled.budget.available} available"
    )

    print("update_budget")
    updated = operator.update_budget(standard.id, Decimal("50"), reason="less usage than thought")
    print(f"  standard_agent: {updated.remaining} remaining, {updated.spent} spent")

    print("What cannot be judged is an error with a reason")
    print(f"  unknown agent: {refusal(lambda: agents.budget('nobody'))}")
    below_zero = lambda: operator.create_agent("broke", Decimal("-100"))  # noqa: E731
    print(f"  initial budget below zero: {refusal(below_zero)}")
    pool = next(p for p in operator.list_pools() if p.name == "background_tasks")
    too_much = lambda: operator.create_agent("greedy", Decimal("501"), pool_id=pool.id)  # noqa: E731
    print(f"  more than the pool has: {refusal(too_much)}")


def outcome(answer) -> str:
    return decision_pb2.Decision.Name(answer.decision).removeprefix("DECISION_")


def refusal(call) -> str:
    try:
        call()
    except grpc.RpcError as error:
        return f"{error.code().name} {reason_of(error)}"
    return "no error"


if __name__ == "__main__":
    main()
