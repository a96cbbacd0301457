"""The queue of SES's events: each is merged into the ledger and the timeline."""

from collections.abc import Mapping
from typing import Any

from milepost.base.errors import ThrottledError
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.sending.ses_events import from_queue
from milepost.wiring import core, sending, tables


def handler(batch: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Learn from a batch; what could not be recorded is handed over again, alone."""
    failed = []
    for record in batch["Records"]:
        try:
            _learn(record["body"])
        except Exception:
            logger.exception("not learned", extra={"queue_message": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    try:
        sending.reputation().flush()
    except ThrottledError:
        logger.warning("mails that were sent are not counted")
    return {"batchItemFailures": failed}


def _learn(body: str) -> None:
    found = from_queue(body)
    if found is None:
        if not _about_a_probe(body):
            count_metric("EmailEventsIgnored")
        return
    if not sending.learner().record(found.store, found.message, found.report):
        logger.warning("about no message of ours", extra={"kind": found.report.kind})
        count_metric("EmailEventsForeign")
        return
    if found.report.kind == "bounced" and not found.report.permanent:
        count_metric("BouncesTransient")
    logger.info("learned", extra={"message_id": found.message, "kind": found.report.kind})


def _about_a_probe(body: str) -> bool:
    """Note what came back of a test mail of `milepost doctor`; False if it is of none."""
    from milepost.sending.probes import probe_in  # a few reports a year

    heard = probe_in(body)
    if heard is not None:
        tables.probes().record_report(heard.probe, heard.kind, core.clock().wire_now())
        logger.info("probe heard", extra={"kind": heard.kind})
    return heard is not None


preload(sending.learner)
