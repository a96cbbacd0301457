"""The queue of changed files: publish each unit that they belong to, once."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base.names import is_store
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.publishing.errors import PublishIncompleteError
from milepost.publishing.publish import notify_staff
from milepost.publishing.report import PublishReport
from milepost.wiring import core, publishing


def handler(batch: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Publish a batch of changes, store by store. SQS delivers what is unfinished again."""
    changes: dict[str, dict[str, list[str]]] = {}
    for record in batch["Records"]:
        store, path = _store_and_path(record["body"])
        if not is_store(store) or path.startswith("reports/"):
            logger.info("unknown store", extra={"folder": store[:40]})
            continue
        changes.setdefault(store, {}).setdefault(path, []).append(record["messageId"])
    failed = [
        {"itemIdentifier": message}
        for store, paths in changes.items()
        if not _publish(store, list(paths))
        for messages in paths.values()
        for message in messages
    ]
    return {"batchItemFailures": failed}


def _store_and_path(body: str) -> tuple[str, str]:
    """The store and path that a notification names; empty if it is not a file notification."""
    try:
        key = json.loads(body)["detail"]["object"]["key"]
        store, _, path = key.partition("/")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    return store, path


def _publish(store: str, paths: list[str]) -> bool:
    try:
        reports, done = publishing.publisher().publish(store, paths), True
    except PublishIncompleteError as error:
        logger.exception("publish failed", extra={"store": store, "files": len(paths)})
        reports, done = [*error.reports], False
    except Exception:
        logger.exception("publish failed", extra={"store": store, "files": len(paths)})
        return False
    for report in reports:
        logger.info(
            report.outcome,
            extra={"store": store, "file": report.file, "problems": len(report.problems)},
        )
        if report.outcome == "refused":
            count_metric("PublicationsRefused")
    _alert_staff(store, reports)
    return done


def _alert_staff(store: str, reports: list[PublishReport]) -> None:
    """Alert the shop's staff. A failed alert is logged only: the reports are in the bucket, and
    publishing again would not repeat the alert."""
    if not core.settings().alarm_topic:
        return
    try:
        notify_staff(core.alerts(), store, reports)
    except Exception:
        logger.exception("alert failed", extra={"store": store, "files": len(reports)})


preload()
