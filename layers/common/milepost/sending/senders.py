"""Who a mail comes from: the store itself, or somebody of it whom a step names.

A step names a sender of `settings.json` by its id, or a place in the data that says whose the
contact is: `contact.properties.owner`. What is found there counts only if it is the id or the
address of a declared sender, so that nobody's data can put an address of their own into a mail.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from milepost.base.paths import get_path
from milepost.stores.settings import StoreSettings


class FromIdentity(NamedTuple):
    """What a mail says of its sender. Without `address` it is the stack's own, without `reply_to`
    answers go to the sender."""

    name: str
    address: str
    reply_to: str


def from_identity(
    node: Mapping[str, Any], variant: str, data: Mapping[str, Any], settings: StoreSettings
) -> FromIdentity:
    """The sender of one mail of a `send_email` step, in the version called `variant` if it has
    several. What that version says goes before what the step says, and a sender whom nobody knows
    (any more) is the store."""
    of_variant = {v["name"]: v.get("from") for v in node.get("variants") or ()}.get(variant)
    persona = _persona(of_variant or node.get("from"), data, settings)
    own_name = None if of_variant and persona else node.get("from_name")
    answers = str(node.get("reply_to") or "")
    if answers and "@" not in answers:
        owner = _persona(answers, data, settings)
        answers = owner.get("reply_to") or owner.get("address") or ""
    return FromIdentity(
        name=own_name or persona.get("name") or settings.name,
        address=persona.get("address", ""),
        reply_to=answers or persona.get("reply_to") or settings.reply_to,
    )


def is_data_path(said: str) -> bool:
    """Whether a sender is looked up in the data, and not named."""
    return "." in said and "@" not in said


def senders_named(step: Mapping[str, Any]) -> dict[str, str]:
    """The senders that a step names by their id, by the field that names each."""
    fields = {"from": step.get("from"), "reply_to": step.get("reply_to")}
    for number, variant in enumerate(step.get("variants") or ()):
        fields[f"variants[{number}].from"] = variant.get("from")
    return {
        field: name
        for field, name in fields.items()
        if name and "@" not in name and not is_data_path(name)
    }


def _persona(
    said: str | None, data: Mapping[str, Any], settings: StoreSettings
) -> Mapping[str, str]:
    """The sender of this id, or the one whose id or address is found at this place."""
    senders = settings.senders or {}
    if not said or not senders:
        return {}
    if not is_data_path(said):
        return senders.get(said, {})
    found = get_path(data, said)
    if not isinstance(found, str):
        return {}
    name = found.strip().lower()
    by_address = {each["address"]: each for each in senders.values() if "address" in each}
    return senders.get(name) or by_address.get(name) or {}
