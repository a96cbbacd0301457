"""The queue of changed files: publish what they are part of, each part once."""

import json
from collections.abc import Mapping
from typing import Any

from milepost import bootstrap
from milepost.domain.names import is_store
from milepost.entrypoints.log import count, logger


def handler(batch: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Publish a batch of changes, store by store; what could not be finished comes again."""
    changes: dict[str, dict[str, list[str]]] = {}
    for record in batch["Records"]:
        store, path = _place(record["body"])
        if not is_store(store) or path.startswith("reports/"):
            logger.info("not ours", extra={"folder": store[:40]})
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


def _place(body: str) -> tuple[str, str]:
    """The store and the path that a notice is about; empty if it is no notice of a file."""
    try:
        key = json.loads(body)["detail"]["object"]["key"]
        store, _, path = key.partition("/")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    return store, path


def _publish(store: str, paths: list[str]) -> bool:
    try:
        for report in bootstrap.publisher().publish(store, paths):
            logger.info(
                report.outcome,
                extra={"store": store, "file": report.file, "problems": len(report.problems)},
            )
            if report.outcome == "refused":
                count("PublicationsRefused")
    except Exception:
        logger.exception("not published", extra={"store": store, "files": len(paths)})
        return False
    return True
