"""A table whose requests are interrupted: by a crash, or by what another writer does meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from milepost.aws.table import Table

REQUESTS = frozenset({"get_item", "put_item", "query", "transact_write_items", "update_item"})


class Crashed(BaseException):
    """The process is gone: no `except Exception` of ours may notice."""


def crash() -> None:
    raise Crashed


@dataclass
class InterruptedClient:
    """A client of DynamoDB that does what is planned before or after its n-th request, once.

    Each request of DynamoDB happens at one instant. So every interleaving of two writers is one of
    them happening between two requests of the other, or before or after all of them.
    """

    client: Any
    before: dict[int, Callable[[], object]] = field(default_factory=dict)
    after: dict[int, Callable[[], object]] = field(default_factory=dict)
    count: int = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.client, name)
        if name not in REQUESTS:
            return act

        def request(**arguments: Any) -> Any:
            self.count += 1
            number = self.count
            self.before.pop(number, lambda: None)()
            try:
                return act(**arguments)
            finally:
                self.after.pop(number, lambda: None)()

        return request


def interrupted(table: Table) -> tuple[Table, InterruptedClient]:
    """The same table, through a client of its own."""
    client = InterruptedClient(table._client)
    return Table(client, table.name), client  # type: ignore[arg-type]
