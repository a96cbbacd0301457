"""When a condition changes by itself: until then it answers what it answers now."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.conditions.context import EvaluationContext, PastEvent
from milepost.conditions.evaluate import depends_on_time, evaluate, next_change, windows_needed
from tests.support.builders import MONDAY_NOON, Json

NOW = MONDAY_NOON
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

History = Mapping[str, Sequence[tuple[datetime, Mapping[str, Any]]]]


def facts_at(
    at: datetime,
    condition: Json,
    contact: Json,
    history: History,
    fades: Sequence[tuple[datetime, float]] = (),
) -> EvaluationContext:
    """What is known of a contact at an instant, if nothing happens after the history."""
    windows = {
        window: [
            PastEvent(when, data)
            for when, data in history.get(window.name, ())
            if window.since is None or when > window.since
        ]
        for window in windows_needed(condition, at, None)
    }
    gone = [score for begins, score in fades if begins <= at]
    return EvaluationContext(
        now=at,
        contact={**contact, "score": gone[-1]} if gone else contact,
        windows=windows,
        score_decays=[fade for fade in fades if fade[0] > at],
    )


def flips(condition: Json, contact: Json | None = None, history: History | None = None) -> Any:
    return next_change(condition, facts_at(NOW, condition, contact or {}, history or {}))


def test_a_purchase_leaves_the_window_that_it_was_counted_in() -> None:
    bought: History = {"Bought": [(NOW - 10 * DAY, {}), (NOW - 2 * DAY, {})]}
    once = {"did": "Bought", "within": "30 days"}
    assert flips(once, history=bought) == NOW + 28 * DAY
    assert flips({**once, "times": {"gte": 2}}, history=bought) == NOW + 20 * DAY
    assert flips({"did_not": "Bought", "within": "30 days"}, history=bought) == NOW + 28 * DAY


def test_what_was_not_done_cannot_be_done_by_waiting() -> None:
    assert flips({"did": "Bought", "within": "30 days"}) is None
    few: History = {"Bought": [(NOW - DAY, {})]}
    assert flips({"did": "Bought", "within": "9 days", "times": {"gte": 2}}, history=few) is None
    assert flips({"did": "Bought"}, history=few) is None


def test_a_sum_shrinks_when_its_parts_leave() -> None:
    spent: History = {"Bought": [(NOW - 10 * DAY, {"total": 80}), (NOW - 2 * DAY, {"total": "30"})]}
    asked = {"sum_of": "Bought", "of": "total", "within": "30 days", "gte": 100}
    assert flips(asked, history=spent) == NOW + 20 * DAY
    assert flips({**asked, "gte": 200}, history=spent) is None


@pytest.mark.parametrize(
    ("operator", "value", "flip"),
    [
        ("within_last", NOW - 3 * DAY, NOW + 4 * DAY + TICK),
        ("within_last", NOW + DAY, NOW + DAY),
        ("within_last", NOW - 9 * DAY, None),
        ("within_next", NOW + 10 * DAY, NOW + 3 * DAY),
        ("within_next", NOW + DAY, NOW + DAY + TICK),
        ("within_next", NOW - DAY, None),
    ],
)
def test_a_date_comes_near_and_passes(operator: str, value: datetime, flip: Any) -> None:
    asked = {"contact": "properties.renewal", operator: "7 days"}
    assert flips(asked, {"properties": {"renewal": value.isoformat()}}) == flip


def test_a_birthday_comes_near_and_is_over_at_midnight() -> None:
    asked = {"contact": "properties.born", "anniversary_within": "7 days"}
    near = flips(asked, {"properties": {"born": "1990-11-20"}})
    assert near == datetime(2026, 11, 13, tzinfo=UTC)
    over = flips(asked, {"properties": {"born": "1990-11-04"}})
    assert over == datetime(2026, 11, 5, tzinfo=UTC)


def test_a_part_that_decides_alone_holds_the_whole() -> None:
    bought: History = {"Bought": [(NOW - 10 * DAY, {})]}
    recent = {"did": "Bought", "within": "30 days"}
    never = {"contact": "properties.plan", "is": "gold"}
    assert flips({"all": [recent, never]}, history=bought) is None
    assert flips({"any": [recent, {"not": never}]}, history=bought) is None
    assert flips({"any": [recent, never]}, history=bought) == NOW + 20 * DAY


def test_a_score_fades_below_what_is_asked() -> None:
    fades = [(NOW + DAY, 60.0), (NOW + 2 * DAY, 40.0), (NOW + 3 * DAY, 0.0)]
    asked = {"contact": "score", "gte": 50}
    facts = facts_at(NOW, asked, {"score": 80}, {}, fades)
    assert next_change(asked, facts) == NOW + 2 * DAY


def test_only_what_speaks_of_time_moves_with_it() -> None:
    assert depends_on_time({"all": [{"not": {"did": "A", "within": "1 day"}}]})
    assert depends_on_time({"did": "A", "where": {"event": "due", "within_next": "1 day"}})
    assert not depends_on_time({"any": [{"did": "A"}, {"contact": "a", "before": "2027-01-01"}]})


# --- the law ---

moments = st.datetimes(
    NOW.replace(tzinfo=None) - timedelta(days=500),
    NOW.replace(tzinfo=None) + timedelta(days=500),
    timezones=st.just(UTC),
)
spans = st.sampled_from(["90 minutes", "1 day", "7 days", "30 days", "400 days"])
dates = moments.map(lambda at: at.date().isoformat()) | moments.map(datetime.isoformat)
operators = st.sampled_from(["within_last", "within_next", "anniversary_within"])


def compared(kind: str) -> st.SearchStrategy[Json]:
    return st.builds(lambda o, s, p: {kind: p, o: s}, operators, spans, st.sampled_from("abc"))


plain: st.SearchStrategy[Json] = st.builds(lambda p: {"contact": p, "exists": True}, st.just("a"))
scores = st.builds(lambda n: {"contact": "score", "gte": n}, st.integers(0, 100))
where = compared("event") | compared("contact") | st.just({"event": "n", "gte": 3})
times = st.builds(
    lambda op, n: {"times": {op: n}}, st.sampled_from(["gte", "lt", "is"]), st.integers(0, 3)
)
behavior: st.SearchStrategy[Json] = st.builds(
    lambda verb, often, within, asked: {verb: "E", **often, **within, **asked},
    st.sampled_from(["did", "did_not"]),
    times | st.just({}),
    spans.map(lambda span: {"within": span}) | st.just({}),
    where.map(lambda asked: {"where": asked}) | st.just({}),
)
sums: st.SearchStrategy[Json] = st.builds(
    lambda within, bound, asked: {"sum_of": "E", "of": "n", "gte": bound, **within, **asked},
    spans.map(lambda span: {"within": span}) | st.just({}),
    st.integers(0, 9),
    where.map(lambda asked: {"where": asked}) | st.just({}),
)
conditions = st.recursive(
    plain | scores | compared("contact") | behavior | sums,
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=5,
)
data = st.dictionaries(
    st.sampled_from("abcn"), dates | st.integers(-5, 9) | st.lists(dates, max_size=2), max_size=4
)
histories = st.lists(st.tuples(moments, data), max_size=5).map(lambda events: {"E": events})


@given(
    conditions,
    data,
    histories,
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
    st.lists(st.integers(1, 100), max_size=3),
)
@example({"contact": "a", "anniversary_within": "7 days"}, {"a": "2024-02-29"}, {}, [0.999], [])
def test_until_it_flips_a_condition_answers_the_same(
    condition: Json, contact: Json, history: History, when: list[float], fading: list[int]
) -> None:
    fades = [(NOW + (n + 1) * 3 * DAY, float(s)) for n, s in enumerate(sorted(fading)[::-1])]
    facts = facts_at(NOW, condition, contact, history, fades)
    flip = next_change(condition, facts)
    assert flip is None or flip > NOW
    assert flip is None or depends_on_time(condition)
    end = flip or NOW + timedelta(days=3000)
    for share in [*when, 0.0]:
        at = NOW + (end - NOW - TICK) * share
        later = facts_at(at, condition, contact, history, fades)
        assert evaluate(condition, later).value is evaluate(condition, facts).value
