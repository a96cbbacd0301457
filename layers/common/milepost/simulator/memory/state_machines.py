"""State machines: published versions, and the executions that a simulator runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from milepost.base.refs import EnrollmentRef
from milepost.enrollments.enrollment import execution_name

Definition = dict[str, Any]


class MemoryExecutions(Protocol):
    """Whatever runs the machines in process. None of these fails for what was done before."""

    def start(self, machine: str, name: str, document: Mapping[str, Any]) -> None:
        """Start an execution on a version of a machine, unless its name was used there before."""

    def stop(self, machine: str, name: str, cause: str) -> None:
        """Stop an execution of any version of a machine, if it runs."""

    def succeed(self, token: str) -> None:
        """Wake the task that waits with this token, if it still does."""


@dataclass(frozen=True, slots=True)
class MemoryStateMachines:
    """Implements `Machines`. `versions` maps the ARN of a version to its definition."""

    versions: dict[str, Definition] = field(default_factory=dict)

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        machine = machine_arn(store, workflow)
        number = 1 + sum(arn.rpartition(":")[0] == machine for arn in self.versions)
        self.versions[f"{machine}:{number}"] = json.loads(json.dumps(definition))
        return f"{machine}:{number}"


@dataclass(frozen=True, slots=True)
class MemoryEngine:
    """Implements `Engine`."""

    executions: MemoryExecutions

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        where = {"block": block} if block else {}
        document = {"enrollment": ref.to_json(), "execution_no": leg, "block_seq": turn, **where}
        self.executions.start(machine, execution_name(ref, leg), document)

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None:
        machine = machine_arn(ref.store, ref.workflow)
        self.executions.stop(machine, execution_name(ref, leg), reason)

    def complete_task(self, token: str) -> None:
        self.executions.succeed(token)


def machine_arn(store: str, workflow: str) -> str:
    return f"arn:aws:states:memory:000000000000:stateMachine:{store}_{workflow}"
