"""32 processes spend 0.01 at a time from one budget of 100 until each is denied.

Whatever the order, exactly 10,000 spends are approved and exactly 0 is left.
"""

import multiprocessing
import sys
import time
from decimal import Decimal

from sidecar import Agent, Operator, arguments, decision_pb2

PROCESSES = 32
BUDGET = Decimal("100")
AMOUNT = Decimal("0.01")
APPROVALS = int(BUDGET / AMOUNT)


def client(address: str, agent_id: str, ready, start, results) -> None:
    """Spends until it is denied; after all the money could buy it stops in any case."""
    agent = Agent(address)
    agent.budget(agent_id)
    ready.release()
    start.wait()
    approved = denied = 0
    while denied == 0 and approved <= APPROVALS:
        answer = agent.spend(agent_id, AMOUNT)
        if answer.decision == decision_pb2.DECISION_APPROVED:
            approved += 1
        else:
            denied += 1
    results.put((approved, denied))
    agent.close()


def main() -> int:
    options = arguments(__doc__)
    operator = Operator(options.admin_address, options.token)
    agent_id = operator.create_agent("race", BUDGET).id
    operator.close()

    # Not forked: gRPC's threads would not come along.
    processes = multiprocessing.get_context("spawn")
    ready, start, results = processes.Semaphore(0), processes.Event(), processes.Queue()
    work = (options.address, agent_id, ready, start, results)
    clients = [processes.Process(target=client, args=work, daemon=True) for _ in range(PROCESSES)]
    for process in clients:
        process.start()
    if not all(ready.acquire(timeout=120) for _ in clients):
        print("not every process came up", file=sys.stderr)
        return 1
    began = time.monotonic()
    start.set()
    counts = [results.get(timeout=300) for _ in clients]
    seconds = time.monotonic() - began
    for process in clients:
        process.join()

    approved = sum(count for count, _ in counts)
    denied = sum(count for _, count in counts)
    agent = Agent(options.address)
    budget = agent.budget(agent_id)
    agent.close()
    print(f"processes {PROCESSES}")
    print(f"approved {approved}")
    print(f"denied {denied}")
    print(f"spent {budget.spent}")
    print(f"remaining {budget.remaining}")
    print(f"{(approved + denied) / seconds:.0f} calls per second", file=sys.stderr)
    exact = approved == APPROVALS and denied == PROCESSES and budget.remaining == "0"
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
