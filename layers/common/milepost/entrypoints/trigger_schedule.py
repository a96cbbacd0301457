"""Every minute: the broadcasts whose time has come."""

from typing import Any

from milepost import bootstrap
from milepost.entrypoints.log import logger
from milepost.entrypoints.warm import warm


def handler(_: Any, __: Any) -> None:
    """Tell the next part of every segment whose schedule has come round."""
    told = bootstrap.broadcaster().go_on()
    if told:
        logger.info("told", extra={"contacts": told})


warm(bootstrap.broadcaster, bootstrap.clock)
