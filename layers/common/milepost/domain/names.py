"""Names that become parts of keys, ARNs, URLs and tags: checked once, at the edge."""

import re

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
STORE_LENGTH = 30
WORKFLOW_LENGTH = 40


def is_store(name: str) -> bool:
    return len(name) <= STORE_LENGTH and _SLUG.fullmatch(name) is not None


def is_workflow(name: str) -> bool:
    return len(name) <= WORKFLOW_LENGTH and _SLUG.fullmatch(name) is not None
