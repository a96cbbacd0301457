"""The marketing that a contact got of late, on its profile: what a claim asks of it and notes."""

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


def recent_sends_operation(table: Table, draft: "PendingMessage", at: datetime) -> dict[str, Any]:
    """The claim's part on the profile: the address is still that, and so is consent.

    Marketing is noted there as well, if nothing has been noted since the gate looked.
    """
    key = keys.profile(draft.ref.store, draft.owner or draft.ref.contact)
    allowed = "email = :email"
    values: dict[str, Any] = {":email": draft.recipient}
    if draft.category != "marketing":
        return {"ConditionCheck": {"Key": key, **table.update_arguments("", allowed, {}, values)}}
    seen = to_numbers(draft.mailed)
    values |= {
        ":granted": "granted",
        ":mailed": to_numbers(draft.mailed_at(at)),
        **({":seen": seen} if seen else {}),
    }
    since = "mailed = :seen" if seen else "attribute_not_exists(mailed)"
    change = table.update_arguments(
        "SET mailed = :mailed",
        f"{allowed} AND #consent.#state = :granted AND {since}",
        {"#consent": f"{CONSENT}{draft.topic}", "#state": "state"},
        values,
    )
    return {"Update": {"Key": key, **change}}


def claim_recent_send(profile: dict[str, Any], draft: "PendingMessage") -> bool:
    """Whether consent was not what stood against a claim."""
    consent = profile.get(f"{CONSENT}{draft.topic}", {})
    return draft.category != "marketing" or consent.get("state") == "granted"


def remove_recent_send(
    table: Table, ref: "MessageRef", contact: str, claimed_at: datetime | None = None
) -> None:
    """A message that nobody will get counts no more; the attribute never becomes empty by this.

    With `claimed_at` only the claim of that instant: another may have come since.
    """
    condition, values = "attribute_exists(mailed.#mark)", to_numbers({":never": NO_SENDS})
    if claimed_at is not None:
        condition, values = "mailed.#mark = :at", values | to_numbers({":at": claimed_at})
    with suppress(ConditionFailedError):  # it was transactional, or is long forgotten
        while contact:
            try:
                table.update(
                    keys.profile(ref.store, contact),
                    expression="SET mailed.#mark = :never",
                    condition=condition,
                    names={"#mark": send_key(ref.id)},
                    values=values,
                )
                return
            except ConditionFailedError as refused:
                contact = (refused.items[0] or {}).get("merged_into", "")
