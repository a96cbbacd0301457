"""The sender of an e-mail: the store, or a sender that a step names.

A step names a sender of `settings.json` by its id, or by a path in the data, such as
`contact.properties.owner`. The value at the path counts only if it is the id or the address of a
declared sender, so that data cannot put another address into an e-mail.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from milepost.base.paths import get_path
from milepost.stores.settings import StoreSettings


class FromIdentity(NamedTuple):
    """The sender in the headers of an e-mail. Without `address`, the stack's own address is used;
    without `reply_to`, replies go to the sender."""

    name: str
    address: str
    reply_to: str


def from_identity(
    node: Mapping[str, Any], variant: str, data: Mapping[str, Any], settings: StoreSettings
) -> FromIdentity:
    """The sender of one e-mail of a `send_email` step, in `variant` if the step has variants.

    The variant's sender overrides the step's. If the named sender does not exist (any more), the
    store is the sender.
    """
    of_variant = {v["name"]: v.get("from") for v in node.get("variants") or ()}.get(variant)
    sender = _find_sender(of_variant or node.get("from"), data, settings)
    from_name = None if of_variant and sender else node.get("from_name")
    reply_to = str(node.get("reply_to") or "")
    if reply_to and "@" not in reply_to:
        owner = _find_sender(reply_to, data, settings)
        reply_to = owner.get("reply_to") or owner.get("address") or ""
    return FromIdentity(
        name=from_name or sender.get("name") or settings.name,
        address=sender.get("address", ""),
        reply_to=reply_to or sender.get("reply_to") or settings.reply_to,
    )


def is_data_path(named: str) -> bool:
    """Whether a sender is a path in the data, and not an id."""
    return "." in named and "@" not in named


def senders_named(step: Mapping[str, Any]) -> dict[str, str]:
    """The sender ids that a step names, by field."""
    fields = {"from": step.get("from"), "reply_to": step.get("reply_to")}
    for number, variant in enumerate(step.get("variants") or ()):
        fields[f"variants[{number}].from"] = variant.get("from")
    return {
        field: name
        for field, name in fields.items()
        if name and "@" not in name and not is_data_path(name)
    }


def _find_sender(
    named: str | None, data: Mapping[str, Any], settings: StoreSettings
) -> Mapping[str, str]:
    """The sender with this id, or the one whose id or address is at this path."""
    senders = settings.senders or {}
    if not named or not senders:
        return {}
    if not is_data_path(named):
        return senders.get(named, {})
    found = get_path(data, named)
    if not isinstance(found, str):
        return {}
    name = found.strip().lower()
    by_address = {sender["address"]: sender for sender in senders.values() if "address" in sender}
    return senders.get(name) or by_address.get(name) or {}
