"""Shop platforms: a folder for each, which verifies and translates its webhooks."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from milepost.shops.platform import Platform


def _shopify() -> "Platform":
    from milepost.shops.shopify.platform import PLATFORM

    return PLATFORM


PLATFORMS: Final[dict[str, "Callable[[], Platform]"]] = {"shopify": _shopify}
"""How each platform is loaded, by its name. Its keys are rows of `stores/keys.py`."""
