"""Build what a function needs while Lambda starts it, so that the first request does not wait."""

import gc
import os
from collections.abc import Callable
from typing import Any


def warm(*parts: Callable[[], Any]) -> None:
    """Call each part of the composition root now, if this is a Lambda function, and end its start:
    what is there by now will stay, and garbage is looked for among the rest from here on."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for part in parts:
            part()
        gc.freeze()
        gc.enable()
