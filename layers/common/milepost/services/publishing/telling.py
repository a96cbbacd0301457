"""What publishing came to is told to the shop's own people, who do not look into the bucket."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from milepost.domain.report import Report, as_message, headline

if TYPE_CHECKING:
    from milepost.ports.outside import Alerts


def tell(alerts: "Alerts", store: str, reports: Iterable[Report]) -> bool:
    """Tell what is news in one message; whether there was any. Raises `Busy`."""
    news = [report for report in reports if report.news]
    if news:
        alerts.tell(headline(store, news), as_message(news), store)
    return bool(news)
