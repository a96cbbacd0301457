"""The stream of the contacts table: one event of one timeline at a time, in order per contact."""

from collections.abc import Mapping
from typing import Any

from milepost import bootstrap
from milepost.adapters.dynamodb.keys import owner
from milepost.adapters.dynamodb.table import unpack
from milepost.adapters.dynamodb.timeline import applied_again, event_from_item
from milepost.entrypoints.log import logger
from milepost.entrypoints.warm import warm


class UnappliedError(Exception):
    """Some records of the batch could not be applied; the stream hands the batch over again."""


def handler(batch: Mapping[str, Any], _: Any) -> None:
    """Apply a batch. A contact whose record fails waits for the retry; the others go on.

    Failing as a whole is safe, because what is applied is skipped the second time. Lambda bisects
    the batch until the bad record stands alone, and then moves it to the failure queue.
    """
    failed: set[str] = set()
    for record in batch["Records"]:
        change = record["dynamodb"]
        collection = change["Keys"]["pk"]["S"]
        if collection in failed:
            continue
        try:
            _apply(collection, change)
        except Exception:
            logger.exception("not applied", extra={"sequence": change["SequenceNumber"]})
            failed.add(collection)
    if failed:
        raise UnappliedError(f"{len(failed)} contacts could not be brought up to date")


def _apply(collection: str, change: Mapping[str, Any]) -> None:
    store, contact = owner(collection)
    item = unpack(change["NewImage"])
    if "copied" in item:
        return  # it was applied where it comes from
    event, again = event_from_item(store, item), applied_again(item)
    position = int(change["SequenceNumber"])
    now = bootstrap.clock().now()
    reaction = bootstrap.reactor().react(contact, event, position, now, again)
    logger.info(
        "reacted",
        extra={
            "store": store,
            "contact": contact,
            "event_name": event.name,
            "applied": reaction.applied,
            "handed_on": reaction.handed_on,
            "ended": reaction.ended,
            "woken": reaction.woken,
            "entered": reaction.entered,
            # The reason alone: after the colon it quotes what the contact is compared with.
            "refused": {name: why.partition(":")[0] for name, why in reaction.refused},
        },
    )


warm(bootstrap.reactor, bootstrap.clock)
