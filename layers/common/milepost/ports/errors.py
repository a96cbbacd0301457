"""Errors that cross a port. An AWS error never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.domain import report as publishing


class Busy(Exception):
    """The world is momentarily not able to answer; the same call later may succeed."""


class Unfinished(Busy):
    """Something could not be published now; `reports` are of all that could."""

    def __init__(self, what: Sequence[str], reports: Sequence[publishing.Report]) -> None:
        super().__init__("not finished: " + "; ".join(what))
        self.reports = reports
