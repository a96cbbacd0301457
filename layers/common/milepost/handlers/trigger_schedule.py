"""Every minute: the broadcasts whose time has come."""

from typing import Any

from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(_: Any, __: Any) -> None:
    """Tell the next part of every segment whose schedule has come round."""
    told = runtime.broadcaster().advance()
    if told:
        logger.info("told", extra={"contacts": told})


preload(runtime.broadcaster, core.clock)
