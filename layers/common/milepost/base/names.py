"""Names that become parts of keys, ARNs, URLs and tags: checked once, at the edge."""

import re

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
    """Whether a list may have this name; `domain/language` asks the same of workflows."""
    return len(name) <= LIST_LENGTH and _SLUG.fullmatch(name) is not None


def is_contact(id_: str) -> bool:
    """Whether this may be the id of a contact: then it holds nothing that would break a key."""
    return _CONTACT.fullmatch(id_) is not None


def is_request(id_: str) -> bool:
    """Whether this may be the id of an export or an erasure."""
    return _REQUEST.fullmatch(id_) is not None


def state_machine_name(store: str, workflow: str) -> str:
    """The name of a workflow's state machine after `<stack>_`.

    No part of it can hold an underscore, so no two stacks or stores share a state machine.
    """
    return f"{store}_{workflow}"
