"""Which recipients' opens and clicks are tracked. Consent to e-mail is a separate question."""

from collections.abc import Mapping
from typing import Final, Literal

Tracking = Literal["all", "consented", "none"]

TOPIC: Final = "tracking"
"""The topic with which contacts agree to tracking or refuse it, if the store asks them."""

UNTRACKED: Final = "-untracked"
"""The suffix of the configuration set without opens and clicks: SES adds no tracking pixel and does
not rewrite links. `ConfigurationOverrides` would do the same for one message, but the boto3 of
Lambda's runtime may not support it yet."""


def is_tracked(tracking: str, consents: Mapping[str, str]) -> bool:
    """Whether to track a recipient's opens and clicks; `consents` are the current states."""
    if tracking == "consented":
        return consents.get(TOPIC) == "granted"
    return tracking == "all"
