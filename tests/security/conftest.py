"""The same in-memory account and watched log as the tests of single functions have."""

from tests.conftest import cloud, printed, shop

__all__ = ["cloud", "printed", "shop"]
