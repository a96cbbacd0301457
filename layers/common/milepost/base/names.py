"""How stores, workflows, contacts, enrollments and messages are named."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_CONTACT = re.compile(r"c[0-9a-f]{25}")
_REQUEST = re.compile(r"r[0-9a-f]{32}")
STORE_LENGTH = 30
WORKFLOW_LENGTH = 40
LIST_LENGTH = 40


def is_store(name: str) -> bool:
    return len(name) <= STORE_LENGTH and _SLUG.fullmatch(name) is not None


def is_workflow(name: str) -> bool:
    return len(name) <= WORKFLOW_LENGTH and _SLUG.fullmatch(name) is not None


def is_list(name: str) -> bool:
    """Whether a list may have this name; workflow files check the same pattern."""
    return len(name) <= LIST_LENGTH and _SLUG.fullmatch(name) is not None


def is_contact(id_: str) -> bool:
    """Whether this may be a contact's id, which is safe in a key."""
    return _CONTACT.fullmatch(id_) is not None


def is_request(id_: str) -> bool:
    """Whether this may be the id of an export or an erasure request."""
    return _REQUEST.fullmatch(id_) is not None


def state_machine_name(store: str, workflow: str) -> str:
    """The name of a workflow's state machine after `<stack>_`.

    No part of it can hold an underscore, so no two stacks or stores share a state machine.
    """
    return f"{store}_{workflow}"


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
