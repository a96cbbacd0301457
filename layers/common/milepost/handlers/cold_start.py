"""Build what a function needs while Lambda starts it, so that the first request does not wait.

All that a start makes stays, so looking through it for garbage finds nothing and takes an eighth of
its time. In Lambda nobody looks from the first import until `preload`, which ends every entrypoint.
"""

import gc
import os
from collections.abc import Callable
from typing import Any


def pause_gc() -> None:
    """Put off looking for garbage, if this is a Lambda function."""
    if _in_lambda():
        gc.disable()


def preload(*parts: Callable[[], Any]) -> None:
    """Call each part of the composition root now, if this is a Lambda function, and end its start:
    what is there by now will stay, and garbage is looked for among the rest from here on."""
    if _in_lambda():
        for part in parts:
            part()
        gc.freeze()
        gc.enable()


def _in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
