"""State machines in memory: published versions, and executions that an interpreter runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from milepost.base.names import EnrollmentRef
from milepost.enrollments.enrollment import execution_name

Definition = dict[str, Any]


class MemoryExecutions(Protocol):
    """Runs state machines in this process. Repeated calls do not fail."""

    def start(self, machine: str, name: str, document: Mapping[str, Any]) -> None:
        """Start an execution of a version, unless the state machine had one of that name before."""

    def stop(self, machine: str, name: str, cause: str) -> None:
        """Stop an execution of any version of a state machine, if it is running."""

    def succeed(self, token: str) -> None:
        """Complete the task that waits with this task token, if it still waits."""


@dataclass(frozen=True, slots=True)
class MemoryStateMachines:
    """Implements `StateMachines`. `versions` maps the ARN of a version to its definition."""

    versions: dict[str, Definition] = field(default_factory=dict)

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        machine = machine_arn(store, workflow)
        number = 1 + sum(arn.rpartition(":")[0] == machine for arn in self.versions)
        self.versions[f"{machine}:{number}"] = json.loads(json.dumps(definition))
        return f"{machine}:{number}"


@dataclass(frozen=True, slots=True)
class MemoryEngine:
    """Implements `ExecutionEngine`."""

    executions: MemoryExecutions

    def start(
        self,
        machine: str,
        ref: EnrollmentRef,
        execution_no: int = 0,
        block_seq: int = 0,
        block: str = "",
    ) -> None:
        start_block = {"block": block} if block else {}
        document = {
            "enrollment": ref.to_json(),
            "execution_no": execution_no,
            "block_seq": block_seq,
            **start_block,
        }
        self.executions.start(machine, execution_name(ref, execution_no), document)

    def stop(self, ref: EnrollmentRef, reason: str, execution_no: int = 0) -> None:
        machine = machine_arn(ref.store, ref.workflow)
        self.executions.stop(machine, execution_name(ref, execution_no), reason)

    def complete_task(self, token: str) -> None:
        self.executions.succeed(token)


def machine_arn(store: str, workflow: str) -> str:
    return f"arn:aws:states:memory:000000000000:stateMachine:{store}_{workflow}"
