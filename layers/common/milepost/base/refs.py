"""Names of things that live under a contact."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class ContactRef(NamedTuple):
    """Names one contact."""

    store: str
    contact: str


class EnrollmentRef(NamedTuple):
    """Where an enrollment lives; what Step Functions carries around."""

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
        """Whose a message is, as its entry of the ledger says."""
        version = int(entry["version"])
        return cls(ref.store, ref.contact, entry["workflow"], version, entry["enrollment"])


class MessageRef(NamedTuple):
    """Where a message lives. `id` is safe as an SES tag and leads back to the contact."""

    store: str
    contact: str
    id: str

    @classmethod
    def from_id(cls, store: str, message_id: str) -> "MessageRef":
        return cls(store, message_id.partition("-")[0], message_id)
