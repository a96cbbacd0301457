"""References to a contact, an enrollment and a message."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class ContactRef(NamedTuple):
    """Names one contact."""

    store: str
    contact: str


class EnrollmentRef(NamedTuple):
    """Names an enrollment. Step Functions carries it from state to state."""

    store: str
    contact: str
    workflow: str
    version: int
    id: str

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store, "contact": self.contact, "workflow": self.workflow,
            "version": self.version, "id": self.id,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "EnrollmentRef":
        return cls(**{**document, "version": int(document["version"])})

    @classmethod
    def of_message(cls, ref: "MessageRef", entry: Mapping[str, Any]) -> "EnrollmentRef":
        """The enrollment of a message, from its ledger entry."""
        version = int(entry["version"])
        return cls(ref.store, ref.contact, entry["workflow"], version, entry["enrollment"])


class MessageRef(NamedTuple):
    """Names a message. `id` is safe as an SES tag and begins with the contact's id."""

    store: str
    contact: str
    id: str

    @classmethod
    def from_id(cls, store: str, message_id: str) -> "MessageRef":
        return cls(store, message_id.partition("-")[0], message_id)
