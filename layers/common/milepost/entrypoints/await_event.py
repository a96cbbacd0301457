"""A `wait_for` begins: keep its task token where the event will look for it."""

from collections.abc import Mapping
from typing import Any

from milepost import bootstrap
from milepost.domain import instants
from milepost.domain.refs import EnrollmentRef
from milepost.entrypoints.log import logger
from milepost.entrypoints.warm import warm
from milepost.services.wait import park


def handler(task: Mapping[str, Any], _: Any) -> None:
    ref = EnrollmentRef.from_json(task["enrollment"])
    outcome = park(
        bootstrap.enrollments(),
        bootstrap.registry(),
        bootstrap.engine(),
        ref,
        task["step"],
        task["token"],
        instants.parse(task["since"]),
        task["turn"],
        task["leg"],
    )
    logger.info(
        "waits", extra={"enrollment": ref.to_json(), "step": task["step"], "outcome": outcome}
    )


warm(bootstrap.enrollments, bootstrap.registry, bootstrap.engine, bootstrap.clock)
