"""Who opened or clicked: a person, or a machine that reads mail before people do.

Some of it shows in the report itself (`detect_bot`), the rest only in all clicks of a message taken
together (`human_clicks`, `machines`): a scanner follows links faster than anyone reads. Both are
functions of what was reported, in whatever order it came.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from milepost.base import instants
from milepost.base.link_mark import link_mark

Why = Literal["", "privacy proxy", "scanner", "too soon", "burst"]
"""Why it was a machine; empty for a person."""

MIN_HUMAN_DELAY = timedelta(seconds=5)
"""Nobody has received, noticed and opened a mail this soon after it was handed over."""

MIN_CLICK_GAP = timedelta(seconds=1)
"""Two different links within this time: no hand is as fast."""

ROW, ROW_OF = timedelta(seconds=10), 4
"""So many different links within this time: that is no reading either."""

MAX_CLICKS = 100
"""Clicks of one message that are remembered: who clicks more often is no reader."""

_APPLE = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself. It opens whatever arrives."""

_GOOGLE_EARLY = "Edge/12.246 Mozilla/5.0"
"""How Gmail fetches pictures before anybody looks. `GoogleImageProxy` comes with a reader."""

_SCANNERS = (
    r"(?<!cu)bot\b|crawler|spider|scanner|barracuda|proofpoint|mimecast|messagelabs|trendmicro|"
    r"headlesschrome|phantomjs|python-requests|python-urllib|aiohttp|curl/|wget/|go-http-client|"
    r"libwww|apache-httpclient|okhttp|axios|node-fetch|^java/|urlscan|linkcheck"
)


class Click(NamedTuple):
    """One click as the ledger remembers it: no address, no link in clear."""

    at: str
    link: str
    why: Why


def detect_bot(kind: str, agent: str, after: timedelta) -> Why:
    """What a report of an open or a click says by itself; `after` the mail was handed over."""
    if kind == "opened" and (agent.strip() == _APPLE or agent.endswith(_GOOGLE_EARLY)):
        return "privacy proxy"
    if re.search(_SCANNERS, agent, re.IGNORECASE):
        return "scanner"
    return "too soon" if after < MIN_HUMAN_DELAY else ""


def click_key(at: datetime, link: str, why: Why) -> str:
    """A click as one text, for a set in which a repeated report is found again."""
    return f"{instants.format_instant(at)} {link_mark(link)} {why}"


def clicks(traces: Collection[str]) -> list[Click]:
    """All clicks in the order of time, each with why it is a machine's, as far as is known now."""
    found = sorted(Click(*each.split(" ", 2)) for each in traces)  # type: ignore[arg-type]
    times = [instants.parse_instant(each.at) for each in found]
    return [
        each._replace(why=each.why or ("burst" if _in_burst(place, found, times) else ""))
        for place, each in enumerate(found)
    ]


def human_clicks(traces: Collection[str]) -> list[Click]:
    """The clicks of people."""
    return [each for each in clicks(traces) if not each.why]


def bot_reason(traces: Collection[str], at: datetime, link: str) -> Why:
    """Why the click of this instant was a machine's, in the light of all that is known now."""
    mine = (instants.format_instant(at), link_mark(link))
    return next((each.why for each in clicks(traces) if (each.at, each.link) == mine), "")


def _in_burst(place: int, found: Sequence[Click], times: Sequence[datetime]) -> bool:
    here = times[place]
    near = [p for p, at in enumerate(times) if abs(at - here) < ROW]
    if any(
        found[p].link != found[place].link and abs(times[p] - here) < MIN_CLICK_GAP for p in near
    ):
        return True
    return any(
        len({found[p].link for p in near if start <= times[p] < start + ROW}) >= ROW_OF
        for start in {times[p] for p in near if times[p] <= here}
    )
