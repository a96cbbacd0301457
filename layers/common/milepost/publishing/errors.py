from __future__ import annotations

from typing import TYPE_CHECKING

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.publishing import report as publishing


class PublishIncompleteError(ThrottledError):
    """Some files could not be published now. `reports` has the reports of the others."""

    def __init__(self, what: Sequence[str], reports: Sequence[publishing.PublishReport]) -> None:
        super().__init__("not finished: " + "; ".join(what))
        self.reports = reports
