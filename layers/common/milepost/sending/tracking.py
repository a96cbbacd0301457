"""Whose opens and clicks are looked at. That is another question than who may be mailed."""

from collections.abc import Mapping
from typing import Final, Literal

Tracking = Literal["all", "consented", "none"]

TOPIC: Final = "tracking"
"""The topic in which readers say yes or no to it, if the store asks them."""

UNTRACKED: Final = "-untracked"
"""What the name of the configuration set ends with that reports neither opens nor clicks, so that
SES puts no picture into a mail and leaves its links alone. `ConfigurationOverrides` would say the
same for one message, but the boto3 of Lambda's runtime may not know it yet."""


def is_tracked(tracking: str, consents: Mapping[str, str]) -> bool:
    """Whether to know what a reader opens and clicks; `consents` says where they stand now."""
    if tracking == "consented":
        return consents.get(TOPIC) == "granted"
    return tracking == "all"
