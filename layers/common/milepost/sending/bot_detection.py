"""Detect opens and clicks by bots, such as privacy proxies and link scanners.

`detect_bot` judges one delivery event. `clicks` judges all clicks of a message together, because a
scanner follows links faster than a person reads. The results do not depend on the order in which
the delivery events arrive.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from milepost.base import times as instants
from milepost.base.link_mark import link_mark

Why = Literal["", "privacy proxy", "scanner", "too soon", "burst"]
"""Why an open or a click comes from a bot; empty for a person."""

MIN_HUMAN_DELAY = timedelta(seconds=5)
"""A person cannot receive, notice and open an e-mail so soon after its submission."""

MIN_CLICK_GAP = timedelta(seconds=1)
"""A person cannot click two different links within this time."""

BURST_WINDOW, BURST_LINKS = timedelta(seconds=10), 4
"""A person does not click this many different links within this time."""

MAX_CLICKS = 100
"""The ledger keeps at most this many clicks of a message: a person does not click more often."""

_APPLE_PROXY_AGENT = "Mozilla/5.0"
"""The whole user agent of Apple's Mail Privacy Protection, which opens every e-mail."""

_GMAIL_PREFETCH_AGENT = "Edge/12.246 Mozilla/5.0"
"""Gmail's user agent when it fetches images in advance. When the recipient opens the e-mail, Gmail
sends `GoogleImageProxy`."""

_SCANNERS = (
    r"(?<!cu)bot\b|crawler|spider|scanner|barracuda|proofpoint|mimecast|messagelabs|trendmicro|"
    r"headlesschrome|phantomjs|python-requests|python-urllib|aiohttp|curl/|wget/|go-http-client|"
    r"libwww|apache-httpclient|okhttp|axios|node-fetch|^java/|urlscan|linkcheck"
)


class Click(NamedTuple):
    """One click as the ledger stores it, without the address and without the link in clear text."""

    at: str
    link: str
    why: Why


def detect_bot(kind: str, agent: str, after: timedelta) -> Why:
    """The bot reason that one open or click shows by itself; `after` is the time since the
    submission."""
    if kind == "opened" and (
        agent.strip() == _APPLE_PROXY_AGENT or agent.endswith(_GMAIL_PREFETCH_AGENT)
    ):
        return "privacy proxy"
    if re.search(_SCANNERS, agent, re.IGNORECASE):
        return "scanner"
    return "too soon" if after < MIN_HUMAN_DELAY else ""


def click_key(at: datetime, link: str, why: Why) -> str:
    """A click as one string. In a set, a repeated delivery event gives the same string."""
    return f"{instants.format_instant(at)} {link_mark(link)} {why}"


def clicks(click_keys: Collection[str]) -> list[Click]:
    """All clicks in order of time, with the bot reason that all clicks so far show."""
    found = sorted(Click(*click.split(" ", 2)) for click in click_keys)  # type: ignore[arg-type]
    times = [instants.parse_instant(click.at) for click in found]
    return [
        click._replace(why=click.why or ("burst" if _in_burst(index, found, times) else ""))
        for index, click in enumerate(found)
    ]


def human_clicks(click_keys: Collection[str]) -> list[Click]:
    """The clicks of people."""
    return [click for click in clicks(click_keys) if not click.why]


def bot_reason(click_keys: Collection[str], at: datetime, link: str) -> Why:
    """The bot reason of one click, judged with all clicks so far."""
    wanted = (instants.format_instant(at), link_mark(link))
    return next((click.why for click in clicks(click_keys) if (click.at, click.link) == wanted), "")


def _in_burst(index: int, found: Sequence[Click], times: Sequence[datetime]) -> bool:
    clicked_at = times[index]
    near = [p for p, at in enumerate(times) if abs(at - clicked_at) < BURST_WINDOW]
    if any(
        found[p].link != found[index].link and abs(times[p] - clicked_at) < MIN_CLICK_GAP
        for p in near
    ):
        return True
    return any(
        len({found[p].link for p in near if start <= times[p] < start + BURST_WINDOW})
        >= BURST_LINKS
        for start in {times[p] for p in near if times[p] <= clicked_at}
    )
