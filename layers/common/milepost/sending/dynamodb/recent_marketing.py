"""The recent marketing on a contact's profile: the claim's conditions and update."""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table
from milepost.contacts.dynamodb.profile_item import CONSENT
from milepost.contacts.recent_marketing import NO_SENDS, send_key, to_numbers

if TYPE_CHECKING:
    from milepost.base.refs import MessageRef
    from milepost.sending.message import PendingMessage


def recent_sends_operation(table: Table, pending: "PendingMessage", at: datetime) -> dict[str, Any]:
    """The claim's operation on the profile: the address and the consent must be unchanged.

    Marketing is added to the recent sends, if they have not changed since the gate's decision.
    """
    key = keys.profile(pending.ref.store, pending.owner or pending.ref.contact)
    same_address = "email = :email"
    values: dict[str, Any] = {":email": pending.recipient}
    if pending.category != "marketing":
        return {
            "ConditionCheck": {"Key": key, **table.update_arguments("", same_address, {}, values)}
        }
    seen = to_numbers(pending.mailed)
    values |= {
        ":granted": "granted",
        ":sends": to_numbers(pending.mailed_at(at)),
        **({":seen": seen} if seen else {}),
    }
    since = "recent_sends = :seen" if seen else "attribute_not_exists(recent_sends)"
    change = table.update_arguments(
        "SET recent_sends = :sends",
        f"{same_address} AND #consent.#state = :granted AND {since}",
        {"#consent": f"{CONSENT}{pending.topic}", "#state": "state"},
        values,
    )
    return {"Update": {"Key": key, **change}}


def claim_recent_send(profile: dict[str, Any], pending: "PendingMessage") -> bool:
    """Whether the claim failed for another reason than consent."""
    consent = profile.get(f"{CONSENT}{pending.topic}", {})
    return pending.category != "marketing" or consent.get("state") == "granted"


def remove_recent_send(
    table: Table, ref: "MessageRef", contact: str, claimed_at: datetime | None = None
) -> None:
    """Stop counting a message that will not be sent. The attribute never becomes empty by this.

    With `claimed_at`, remove only the claim of that instant, because a later claim may exist.
    """
    condition, values = "attribute_exists(recent_sends.#key)", to_numbers({":never": NO_SENDS})
    if claimed_at is not None:
        condition, values = "recent_sends.#key = :at", values | to_numbers({":at": claimed_at})
    with suppress(ConditionFailedError):  # the message was transactional, or has been dropped
        while contact:
            try:
                table.update(
                    keys.profile(ref.store, contact),
                    expression="SET recent_sends.#key = :never",
                    condition=condition,
                    names={"#key": send_key(ref.id)},
                    values=values,
                )
                return
            except ConditionFailedError as failed:
                contact = (failed.items[0] or {}).get("merged_into", "")
