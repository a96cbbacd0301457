"""The marketing stop of a store."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import times

Kind = Literal["bounced", "complained"]


class MarketingStop(NamedTuple):
    """Marketing is stopped since `opened`, because of `number` bounces or complaints among `sent`
    e-mails in `days` days. `alerted` says that the staff has been alerted."""

    opened: datetime
    kind: Kind
    number: int
    sent: int
    days: int
    alerted: bool = False

    def reason(self) -> str:
        what = "bounced for good" if self.kind == "bounced" else "were marked as spam"
        span = "the last day" if self.days == 1 else f"the last {self.days} days"
        percent = 100 * self.number / max(self.sent, self.number)
        return f"{self.number} of {self.sent} marketing mails of {span} {what} ({percent:.2f} %)"

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "opened": times.format_instant(self.opened)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "MarketingStop":
        return cls(**{**document, "opened": times.parse_instant(document["opened"])})
