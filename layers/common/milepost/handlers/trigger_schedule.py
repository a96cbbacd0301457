"""Runs once a minute: advances the broadcasts that are due."""

from typing import Any

from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(_: Any, __: Any) -> None:
    """Notify the next contacts of every segment whose schedule is due."""
    notified = runtime.broadcaster().advance()
    if notified:
        logger.info("contacts notified", extra={"contacts": notified})


preload(runtime.broadcaster, core.clock)
