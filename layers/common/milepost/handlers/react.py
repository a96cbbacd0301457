"""The stream of the contacts table: one event of one timeline at a time, in order per contact."""

from collections.abc import Mapping
from typing import Any

from milepost.aws.keys import owner
from milepost.aws.table import unpack
from milepost.contacts.dynamodb.timeline import event_from_item, replayed_event_from_item
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.wiring import core, runtime


class UnappliedError(Exception):
    """Some records of the batch could not be applied; the stream hands the batch over again."""


def handler(batch: Mapping[str, Any], _: Any) -> None:
    """Apply a batch. A contact whose record fails waits for the retry; the others go on.

    Failing as a whole is safe, because what is applied is skipped the second time. A record that
    keeps failing is put aside with its reason, and then the contact goes on. Only what ends the
    function itself comes to the point where Lambda bisects the batch and gives up on it.
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
    image = change["NewImage"]
    if "copied" in image:
        return  # it was applied where it comes from
    store, contact = owner(collection)
    sequence = int(change["SequenceNumber"])
    try:
        _react(store, contact, sequence, image)
    except Exception as error:
        key, now = change["Keys"]["sk"]["S"], core.clock().wire_now()
        letter = runtime.isolator().handle(store, contact, key, sequence, image, error, now)
        count_metric("RecordsPutAside")
        # Not its key, which holds an id of the shop's making.
        told = {name: value for name, value in letter.to_json().items() if name != "key"}
        logger.error("put aside", extra=told)


def _react(store: str, contact: str, sequence: int, image: Mapping[str, Any]) -> None:
    item = unpack(image)
    event, again = event_from_item(store, item), replayed_event_from_item(item)
    now = core.clock().now()
    reaction = runtime.reactor().apply(contact, event, sequence, now, again)
    logger.info(
        "reacted",
        extra={
            "store": store,
            "contact": contact,
            "event_name": event.name,
            "applied": reaction.applied,
            "handed_on": reaction.forwarded,
            "ended": reaction.ended,
            "woken": reaction.resumed,
            "entered": reaction.entered,
            # The reason alone: after the colon it quotes what the contact is compared with.
            "refused": {name: why.partition(":")[0] for name, why in reaction.refused},
        },
    )


preload(runtime.reactor, runtime.isolator, core.clock)
