from __future__ import annotations

from typing import TYPE_CHECKING

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.publishing import report as publishing


class PublishIncompleteError(ThrottledError):
    """Something could not be published now; `reports` are of all that could."""

    def __init__(self, what: Sequence[str], reports: Sequence[publishing.PublishReport]) -> None:
        super().__init__("not finished: " + "; ".join(what))
        self.reports = reports
