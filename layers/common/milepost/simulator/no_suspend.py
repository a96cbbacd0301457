"""Programs whose waits are never cut into parts."""

from dataclasses import replace
from typing import Any

from milepost.enrollments.program import Program
from milepost.published.head import Registry


class PatientRegistry:
    """Implements `Registry`: that of somebody else, whose programs never rest in parts.

    An execution of Step Functions has an end, and so what is long is cut there
    (`enrollments/executions.py`).
    Here nothing is: every wait is over at its very time.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def program(self, store: str, workflow: str, version: int) -> Program:
        program = self._registry.program(store, workflow, version)
        head = {key: value for key, value in program.head.items() if key != "park_after"}
        return replace(program, head=head)
