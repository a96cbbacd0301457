"""Reads the state of the shoppers from the tables. The demo does not write to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.demo.shoppers import STORE, Ending, Shopper
from milepost.aws import keys
from milepost.aws.table import Table
from milepost.contacts.event import contact_id
from milepost.sending.counts import StepCounts, WorkflowCounts
from milepost.sending.dynamodb.counts import workflow_numbers

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def _unbalanced(step: str, numbers: StepCounts) -> None:
    raise AssertionError(f"{numbers.unaccounted} decisions of {step} are in no count: {numbers}")


@dataclass(frozen=True, slots=True)
class Ledger:
    """Reads contacts, their enrollments and their messages."""

    table: Table

    @classmethod
    def of(cls, client: "DynamoDBClient", table: str) -> "Ledger":
        return cls(Table(client, table))

    def life(self, shopper: Shopper) -> list[dict[str, Any]]:
        """All stored items of a shopper."""
        contact = contact_id(STORE, "email", shopper.email)
        return list(
            self.table.query(
                KeyConditionExpression="pk = :pk",
                ConsistentRead=True,
                values={":pk": keys.collection(STORE, contact)},
            )
        )

    def endings(self, shopper: Shopper) -> Iterator[tuple[str, Ending]]:
        """The current state of each enrollment of a shopper."""
        life = self.life(shopper)
        messages = sorted(
            (item for item in life if item["sk"].startswith("MESSAGE#")),
            key=lambda item: str(item["decided_at"]),
        )
        for item in life:
            if not item["sk"].startswith("ENROLLMENT#"):
                continue
            own = [m for m in messages if m["enrollment"] == item["sk"].rpartition("#")[2]]
            yield (
                item["workflow"],
                Ending(
                    status=item["status"],
                    reason=item.get("reason", ""),
                    sent=tuple(m["step"] for m in own if m["status"] == "accepted"),
                    skipped=tuple(
                        (m["step"], m["reason"]) for m in own if m["status"] == "skipped"
                    ),
                ),
            )

    def numbers(self, workflow: str) -> WorkflowCounts:
        return workflow_numbers(self.table, STORE, workflow, _unbalanced)
