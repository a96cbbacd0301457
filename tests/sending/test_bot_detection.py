"""Bot detection. The cases are in a separate file and are labeled by hand."""

import json
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.bot_detection import bot_reason, click_key, clicks, detect_bot, human_clicks
from tests.support.aws_events import EVENTS
from tests.support.builders import MONDAY_NOON

Json = dict[str, Any]
CORPUS: Path = EVENTS / "readers.json"
HOUR = timedelta(hours=1)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"


def cases(label: str) -> list[Json]:
    return [case for case in json.loads(CORPUS.read_text("utf-8")) if case["by"] == label]


def click_keys_of(case: Json) -> list[str]:
    keys = []
    for click in case["clicks"]:
        agent = click.get("agent", IPHONE)
        why = detect_bot("clicked", agent, timedelta(seconds=click["after"]))
        at = MONDAY_NOON + timedelta(seconds=click["after"])
        keys.append(click_key(at, f"https://shop.example/{click['link']}", why))
    return keys


def test_labeled_cases_detect_scanners_and_no_people() -> None:
    """No click of a scanner may count. The promise: 95 % of bots, at most 1 % of people."""
    for label, bound in (("scanner", 0.05), ("person", 0.99)):
        shares = [
            len(human_clicks(click_keys_of(case))) / len(case["clicks"]) for case in cases(label)
        ]
        assert len(shares) >= 12
        mean = sum(shares) / len(shares)
        assert mean <= bound if label == "scanner" else mean >= bound


@pytest.mark.parametrize("case", cases("person after scanner"), ids=lambda case: case["what"])
def test_click_by_person_after_scanner_counts(case: Json) -> None:
    heard = {click.at for click in human_clicks(click_keys_of(case))}
    assert len(heard) == case["heard"]


@pytest.mark.parametrize(
    ("agent", "after", "why"),
    [
        ("Mozilla/5.0", HOUR, "privacy proxy"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
            HOUR,
            "privacy proxy",
        ),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
            "GoogleImageProxy)",
            HOUR,
            "",
        ),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
            "GoogleImageProxy)",
            timedelta(seconds=1),
            "too soon",
        ),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", HOUR, ""),
        (IPHONE, HOUR, ""),
        (IPHONE, timedelta(seconds=4.9), "too soon"),
        (IPHONE, timedelta(seconds=5), ""),
        ("", HOUR, ""),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            HOUR,
            "scanner",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0", HOUR, "scanner"),
        ("python-requests/2.32.3", HOUR, "scanner"),
        ("Barracuda Sentinel (EE)", HOUR, "scanner"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36", HOUR, ""),
    ],
)
def test_open_is_judged_by_user_agent_and_delay(agent: str, after: timedelta, why: str) -> None:
    assert detect_bot("opened", agent, after) == why


def test_click_from_apple_mail_is_by_person() -> None:
    """The proxy of Mail Privacy Protection fetches images and follows no links."""
    assert detect_bot("clicked", "Mozilla/5.0", HOUR) == ""


def test_first_click_of_burst_is_by_bot_after_second_click() -> None:
    first, second = MONDAY_NOON, MONDAY_NOON + timedelta(seconds=0.4)
    one, two = click_key(first, "a", ""), click_key(second, "b", "")
    assert bot_reason([one], first, "a") == ""
    assert bot_reason([one, two], first, "a") == bot_reason([one, two], second, "b") == "burst"


@pytest.mark.parametrize("links", ["aaaa", "ab"])
def test_repeated_click_or_two_links_in_turn_is_by_person(links: str) -> None:
    gap = 0.1 if links == "aaaa" else 1.0
    keys = [
        click_key(MONDAY_NOON + timedelta(seconds=gap * n), link, "")
        for n, link in enumerate(links)
    ]
    assert len(human_clicks(keys)) == len(links)


moments = st.integers(0, 40).map(lambda n: MONDAY_NOON + n * timedelta(seconds=0.5))
some = st.lists(st.builds(click_key, moments, st.sampled_from("abcdef"), st.just("")), max_size=5)


@given(some)
def test_order_of_clicks_does_not_change_result(keys: list[str]) -> None:
    assert all(clicks(order) == clicks(keys) for order in permutations(keys))


@given(some, some)
def test_more_clicks_never_turn_bot_click_into_human_click(
    keys: list[str], more: list[str]
) -> None:
    before = {(c.at, c.link) for c in clicks(keys) if c.why}
    assert before <= {(c.at, c.link) for c in clicks([*keys, *more]) if c.why}
