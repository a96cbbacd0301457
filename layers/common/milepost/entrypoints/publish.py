"""A file of the marketers' bucket changed: publish what it is part of."""

from collections.abc import Mapping
from typing import Any

from milepost import bootstrap
from milepost.domain.names import is_store
from milepost.entrypoints.log import count, logger


def handler(event: Mapping[str, Any], _: Any) -> None:
    """Publish; raises to be called again when something else was published at that moment."""
    store, _, path = event["detail"]["object"]["key"].partition("/")
    if not is_store(store) or path.startswith("reports/"):
        logger.info("not ours", extra={"reason": "no store of that name" if path else "no folder"})
        return
    for report in bootstrap.publisher().publish(store, path):
        logger.info(
            report.outcome,
            extra={"store": store, "file": report.file, "problems": len(report.problems)},
        )
        if report.outcome == "refused":
            count("PublicationsRefused")
