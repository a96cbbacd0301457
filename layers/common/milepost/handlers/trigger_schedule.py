"""Every minute: the broadcasts whose time has come."""

from typing import Any

from milepost.handlers.cold_start import warm
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(_: Any, __: Any) -> None:
    """Tell the next part of every segment whose schedule has come round."""
    told = runtime.broadcaster().go_on()
    if told:
        logger.info("told", extra={"contacts": told})


warm(runtime.broadcaster, core.clock)
