from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.conditions.context import EvaluationContext, EventWindow, PastEvent
from milepost.conditions.evaluate import emails_needed, evaluate, windows_needed
from milepost.conditions.operators import OPERATORS
from milepost.sending.bot_detection import click_key
from milepost.sending.delivery_state import for_conditions
from tests.support.json_strategy import documents
from tests.support.laws import how_many

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ENTERED = NOW - timedelta(days=3)
Json = Mapping[str, Any]


def ask(condition: Json, **facts: Any) -> tuple[bool, str]:
    verdict = evaluate(condition, EvaluationContext(**{"now": NOW, **facts}))
    return verdict.value, verdict.reason


def asked(value: Any, **operator: Any) -> bool:
    """Whether a field of the contact with this value meets the operator."""
    return ask({"contact": "field", **operator}, contact={"field": value})[0]


# --- operators ---


@pytest.mark.parametrize(
    ("value", "operator", "met"),
    [
        ("FR", {"is": "FR"}, True),
        ("FR", {"is": "fr"}, False),
        (20, {"is": 20}, True),
        (20, {"is": 20.0}, True),
        (True, {"is": True}, True),
        (False, {"is": False}, True),
        (True, {"is": 1}, False),
        (1, {"is": True}, False),
        (0, {"is": False}, False),
        (False, {"is": 0}, False),
        ("true", {"is": True}, False),
        ("20", {"is": 20}, False),
        ({"a": 1}, {"is": "a"}, False),
        (["FR", "BE"], {"is": "BE"}, True),
        ("FR", {"is_not": "BE"}, True),
        ("FR", {"is_not": "FR"}, False),
        (["FR", "BE"], {"is_not": "BE"}, False),
        (True, {"is_not": 1}, True),
        ("FR", {"in": ["FR", "BE"]}, True),
        ("DE", {"in": ["FR", "BE"]}, False),
        (1, {"in": [True, "1"]}, False),
        (True, {"in": [1, 0]}, False),
        (True, {"in": [True]}, True),
        ("DE", {"not_in": ["FR", "BE"]}, True),
        ("FR", {"not_in": ["FR", "BE"]}, False),
        ("Running Shoes", {"contains": "shoe"}, True),
        ("Hats", {"contains": "shoe"}, False),
        (["Hats", "Shoes"], {"contains": "shoe"}, True),
        ("GROSSE STRASSE", {"contains": "große"}, True),
        ("+47 555", {"starts_with": "+47"}, True),
        ("ada@Example.COM", {"ends_with": "@example.com"}, True),
        ("ada@example.com", {"starts_with": "@"}, False),
        (20, {"gt": 19.5}, True),
        (20, {"gt": 20}, False),
        (20, {"gte": 20}, True),
        (19.99, {"gte": 20}, False),
        (20, {"lt": 20}, False),
        (20, {"lte": 20}, True),
        ("421.88", {"gt": 421.87}, True),
        ("421.88", {"lt": 421.87}, False),
        ("421.88", {"between": [400, 500]}, True),
        (400, {"between": [400, 500]}, True),
        (500, {"between": [400, 500]}, True),
        (500.01, {"between": [400, 500]}, False),
        ([5, 50], {"gt": 20}, True),
        (10**400, {"gt": 20}, True),
        ("x", {"exists": True}, True),
        ("", {"exists": True}, True),
        (0, {"exists": True}, True),
        (False, {"exists": True}, True),
        (None, {"exists": True}, False),
        ([], {"exists": True}, False),
        (None, {"exists": False}, True),
        ("x", {"exists": False}, False),
        ("2026-11-21", {"before": "2026-11-22"}, True),
        ("2026-11-22", {"before": "2026-11-22"}, False),
        ("2026-11-22T00:00:01Z", {"after": "2026-11-22"}, True),
        ("2026-11-22T01:00:00+02:00", {"after": "2026-11-22"}, False),
        ("2026-11-20", {"within_last": "3 days"}, True),
        ("2026-11-18", {"within_last": "3 days"}, False),
        ("2026-11-23", {"within_last": "3 days"}, False),
        ("2026-11-23", {"within_next": "3 days"}, True),
        ("2026-11-21", {"within_next": "3 days"}, False),
        ("2026-11-26", {"within_next": "3 days"}, False),
    ],
)
def test_an_operator_means_what_its_name_says(value: Any, operator: Json, met: bool) -> None:
    assert asked(value, **operator) is met


def test_every_operator_has_been_tried_above() -> None:
    (cases,) = [mark.args[1] for mark in test_an_operator_means_what_its_name_says.pytestmark]
    tried = {next(iter(operator)) for _, operator, _ in cases}
    assert tried | {"anniversary_within"} == set(OPERATORS)


WRONG: list[tuple[Any, Json]] = [
    ("many", {"gt": 1}),
    ("nan", {"gt": 1}),
    ("infinity", {"gt": 1}),
    ("1e999", {"gt": 1}),
    (True, {"gt": 0}),
    ({}, {"gt": 1}),
    ("many", {"between": [0, 1]}),
    (5, {"contains": "5"}),
    (True, {"starts_with": "T"}),
    ({"a": "shoe"}, {"contains": "shoe"}),
    ("soon", {"before": "2026-11-22"}),
    ("2026-11-22T09:30:00", {"before": "2026-12-01"}),
    ("2026-02-30", {"before": "2026-12-01"}),
    (1795339800, {"after": "2026-11-22"}),
    ("0001-01-01T00:00:00+12:00", {"before": "2026-11-22"}),
    ("2026-11-22", {"before": "the end"}),
]


@pytest.mark.parametrize(("value", "operator"), WRONG)
def test_a_value_of_the_wrong_kind_is_false_and_says_so(value: Any, operator: Json) -> None:
    met, why = ask({"contact": "field", **operator}, contact={"field": value})
    assert not met
    assert "which cannot be compared" in why


@pytest.mark.parametrize(
    ("values", "operator", "met"),
    [
        ([None, "many", 50], {"gt": 20}, True),
        ([50, None], {"gt": 20}, True),
        ([None, 5], {"gt": 20}, False),
        ([7, "red shoes"], {"contains": "SHOE"}, True),
        (["soon", "2026-11-20"], {"before": "2026-11-22"}, True),
    ],
)
def test_one_value_that_cannot_be_compared_hides_none_of_the_others(
    values: list[Any], operator: Json, met: bool
) -> None:
    """A product without a price stands before one that is dear."""
    products = [{"price": value} for value in values]
    for order in (products, products[::-1]):
        found, why = ask({"event": "products[].price", **operator}, event={"products": order})
        assert found is met
        assert "cannot be compared" not in why


@pytest.mark.parametrize(
    "amounts", [[1e308, 1e308], [[1e308, "1e308"]], [-1e308, -1e308], [1e308, 1e308, -1e308]]
)
def test_a_sum_that_no_number_can_hold_is_answered_all_the_same(amounts: list[Any]) -> None:
    window = EventWindow("Paid", None)
    happenings = [PastEvent(NOW, {"total": amount}) for amount in amounts]
    facts = EvaluationContext(now=NOW, windows={window: happenings})
    asked = {"sum_of": "Paid", "of": "total"}
    large = evaluate({**asked, "gt": 1000}, facts)
    small = evaluate({**asked, "lt": -1000}, facts)
    assert large.value is not small.value


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_missing_field_is_false_for_every_operator(operator: str) -> None:
    bound = {"exists": True, "in": ["x"], "not_in": ["x"], "between": [0, 1]}.get(operator, "x")
    for contact in ({}, {"field": None}):
        met, why = ask({"contact": "field", operator: bound}, contact=contact)
        assert (met, why) == (False, "contact.field is missing")


# --- days of the year ---


@pytest.mark.parametrize(
    ("now", "day", "within", "met"),
    [
        ("2026-11-22", "1984-11-25", "7 days", True),
        ("2026-11-22", "1984-11-22", "0 seconds", True),
        ("2026-11-22", "1984-11-21", "7 days", False),
        ("2026-11-22", "1984-12-25", "7 days", False),
        ("2026-12-30", "1984-01-02", "7 days", True),
        ("2026-12-30", "1984-12-29", "7 days", False),
        ("2028-02-27", "1984-02-29", "3 days", True),
        ("2028-02-29", "1984-02-29", "0 seconds", True),
        ("2027-02-28", "1984-02-29", "0 seconds", True),
        ("2027-03-01", "1984-02-29", "300 days", False),
        ("2027-03-01", "1984-02-29", "365 days", True),
        ("2026-11-22", "1984-11-25T23:00:00+00:00", "4 days", True),
        ("2026-11-22", "2030-11-25", "7 days", True),
    ],
)
def test_an_anniversary_returns_every_year(now: str, day: str, within: str, met: bool) -> None:
    at = datetime.fromisoformat(f"{now}T09:30:00+00:00")
    condition = {"contact": "birthday", "anniversary_within": within}
    assert ask(condition, now=at, contact={"birthday": day})[0] is met


# --- lists and groups ---


def test_one_of_several_values_is_enough() -> None:
    event = {"products": [{"category": "hats"}, {"category": "shoes"}]}
    condition = {"event": "products[].category", "contains": "shoes"}
    assert ask(condition, event=event) == (
        True, "event.products[].category is hats, shoes (condition: contains shoes)"
    )  # fmt: skip


def test_all_any_and_not() -> None:
    yes, no = {"contact": "a", "exists": True}, {"contact": "b", "exists": True}
    contact = {"a": 1}
    assert ask({"all": [yes, yes]}, contact=contact)[0]
    assert not ask({"all": [yes, no]}, contact=contact)[0]
    assert ask({"any": [no, yes]}, contact=contact)[0]
    assert not ask({"any": [no, no]}, contact=contact)[0]
    assert ask({"not": no}, contact=contact)[0]
    assert not ask({"not": {"any": [no, yes]}}, contact=contact)[0]


def test_a_group_gives_the_reason_that_decided_it() -> None:
    yes, no = {"contact": "a", "is": 1}, {"contact": "b", "is": 1}
    contact = {"a": 1}
    assert ask({"all": [yes, no]}, contact=contact)[1] == "contact.b is missing"
    assert ask({"any": [no, yes]}, contact=contact)[1] == "contact.a is 1 (condition: is 1)"
    assert ask({"any": [no, no]}, contact=contact)[1] == (
        "contact.b is missing and contact.b is missing"
    )


def test_numbers_are_said_as_people_write_them() -> None:
    """The file's models make every bound a float."""
    assert ask({"event": "total", "gte": 100.0}, event={"total": 99.5})[1] == (
        "event.total is 99.5 (condition: is at least 100)"
    )
    assert ask({"event": "total", "between": [1.0, 2.5]}, event={"total": 2.0})[1] == (
        "event.total is 2 (condition: is between 1 and 2.5)"
    )


def test_a_long_value_is_said_in_short() -> None:
    why = ask({"contact": "field", "is": "x" * 5000}, contact={"field": ["y" * 500] * 50})[1]
    assert len(why) < 600


# --- behavior ---


def total(count: int, last: datetime = NOW) -> Json:
    return {"Order Completed": {"count": count, "last": last.isoformat()}}


@pytest.mark.parametrize(
    ("times", "count", "met"),
    [
        (None, 0, False),
        (None, 1, True),
        ({"gte": 2}, 1, False),
        ({"gte": 2}, 2, True),
        ({"gt": 2}, 2, False),
        ({"lt": 2}, 1, True),
        ({"lte": 2}, 3, False),
        ({"is": 3}, 3, True),
        ({"gte": 2, "lt": 4}, 3, True),
        ({"gte": 2, "lt": 4}, 4, False),
    ],
)
def test_how_often_somebody_did_something(times: Json | None, count: int, met: bool) -> None:
    condition = {"did": "Order Completed"} | ({"times": times} if times else {})
    metrics = total(count) if count else {}
    assert ask(condition, metrics=metrics)[0] is met
    negated = {"did_not": "Order Completed"} | ({"times": times} if times else {})
    assert ask(negated, metrics=metrics)[0] is not met


def test_behavior_is_explained_with_the_numbers() -> None:
    condition = {"did": "Order Completed", "times": {"gte": 2}}
    assert ask(condition, metrics=total(1))[1] == "did Order Completed once, needs at least 2"
    assert ask({"did_not": "Order Completed"}, metrics=total(3))[1] == (
        "did Order Completed 3 times, must not have at least 1"
    )
    within = {"did": "Order Completed", "within": "30 days"}
    assert ask(within)[1] == "did Order Completed never within 30 days, needs at least 1"
    since = {"did": "Order Completed", "since": "enrollment"}
    assert ask(since, entered_at=ENTERED)[1] == (
        "did Order Completed never since entering, needs at least 1"
    )


def windows(*at: datetime, since: datetime | None = None, **data: Any) -> dict[str, Any]:
    window = EventWindow("Order Completed", since)
    return {"windows": {window: [PastEvent(each, data) for each in at]}}


def test_within_looks_at_a_window_and_not_at_the_totals() -> None:
    condition = {"did": "Order Completed", "within": "30 days", "times": {"gte": 2}}
    since = NOW - timedelta(days=30)
    assert list(windows_needed(condition, NOW, ENTERED)) == [EventWindow("Order Completed", since)]
    assert ask(condition, metrics=total(9), **windows(NOW, NOW, since=since))[0]
    assert not ask(condition, metrics=total(9), **windows(NOW, since=since))[0]


def test_since_entering_is_answered_by_the_totals_when_once_is_enough() -> None:
    condition = {"did": "Order Completed", "since": "enrollment"}
    assert list(windows_needed(condition, NOW, ENTERED)) == []
    assert ask(condition, entered_at=ENTERED, metrics=total(1, NOW))[0]
    assert not ask(condition, entered_at=ENTERED, metrics=total(9, ENTERED))[0]
    assert ask(condition, entered_at=None, metrics=total(1))[0]


def test_since_entering_more_than_once_is_counted_in_a_window() -> None:
    condition = {"did": "Order Completed", "since": "enrollment", "times": {"gte": 2}}
    assert list(windows_needed(condition, NOW, ENTERED)) == [
        EventWindow("Order Completed", ENTERED)
    ]
    seen = windows(NOW, NOW, since=ENTERED)
    assert ask(condition, entered_at=ENTERED, metrics=total(2), **seen)[0]


def test_where_counts_only_what_meets_it() -> None:
    where = {"all": [{"event": "total", "gte": 20}, {"contact": "country", "is": "NO"}]}
    condition = {"did": "Order Completed", "where": where}
    assert list(windows_needed(condition, NOW, None)) == [EventWindow("Order Completed", None)]
    contact = {"country": "NO"}
    assert ask(condition, contact=contact, **windows(NOW, total=20))[0]
    assert not ask(condition, contact=contact, **windows(NOW, total=19))[0]
    assert not ask(condition, contact={}, **windows(NOW, total=20))[0]


def test_where_means_the_counted_event_and_not_the_triggering_one() -> None:
    condition = {"did": "Order Completed", "where": {"event": "total", "gte": 20}}
    assert not ask(condition, event={"total": 99}, **windows(NOW, total=1))[0]


def test_what_a_nested_condition_needs_is_found() -> None:
    inner = {"did_not": "Order Completed", "within": "1 day"}
    asks = {"email": "reminder", "was": "opened"}
    condition = {"all": [{"any": [{"not": inner}, asks]}, {"not": {"all": [inner, asks]}}]}
    window = EventWindow("Order Completed", NOW - timedelta(days=1))
    assert list(windows_needed(condition, NOW, None)) == [window, window]
    assert list(emails_needed(condition)) == ["reminder", "reminder"]


# --- the other leaves ---


def test_consent_is_a_yes_that_was_not_taken_back() -> None:
    condition = {"consents_to": "offers"}
    assert ask(condition, consent={"offers": "granted"}) == (True, "consents to offers")
    assert ask(condition, consent={"offers": "withdrawn"}) == (
        False, "has withdrawn consent to offers"
    )  # fmt: skip
    assert ask(condition, consent={"news": "granted"}) == (False, "never consented to offers")


def test_being_inside_a_workflow() -> None:
    condition = {"in_workflow": "welcome"}
    assert ask(condition, active_workflows=frozenset({"welcome"})) == (
        True,
        "is in workflow welcome",
    )
    assert ask(condition) == (False, "is not in workflow welcome")


@pytest.mark.parametrize("was", ["delivered", "opened", "clicked", "bounced", "complained"])
def test_what_became_of_an_e_mail(was: str) -> None:
    condition = {"email": "reminder", "was": was}
    assert ask(condition, emails={"reminder": {f"{was}_at": "2026-11-22T09:30:00.000Z"}}) == (
        True, f"e-mail reminder was {was}"
    )  # fmt: skip
    assert ask(condition, emails={"reminder": {}}) == (False, f"e-mail reminder was not {was}")
    assert ask(condition) == (False, f"e-mail reminder was not {was}")


def test_which_link_of_an_e_mail_was_clicked() -> None:
    condition = {"email": "reminder", "was": "clicked", "link": "https://a.example"}
    message = {"clicked_at": "2026-11-22T09:30:00.000Z", "links": {"https://a.example"}}
    assert ask(condition, emails={"reminder": message})[0]
    assert not ask({**condition, "link": "https://b.example"}, emails={"reminder": message})[0]
    assert not ask(condition)[0]


@pytest.mark.parametrize("was", ["opened", "clicked"])
def test_what_a_machine_did_counts_only_for_those_who_ask(was: str) -> None:
    condition = {"email": "reminder", "was": was}
    by_machine = {"reminder": {f"bot_{was}_at": "2026-11-22T09:30:00.000Z"}}
    assert not ask(condition, emails=by_machine)[0]
    assert ask(condition | {"include_bots": True}, emails=by_machine)[0]


def test_a_link_that_only_a_machine_followed_was_not_clicked() -> None:
    links = ("https://a.example", "https://b.example")
    told = [*zip(links, (0, 0.1), strict=True), (links[1], 900)]
    traces = {click_key(NOW + timedelta(seconds=after), link, "") for link, after in told}
    emails = {"reminder": for_conditions({"clicks": traces, "links": {*links}})}
    condition = {"email": "reminder", "was": "clicked", "link": links[0]}
    assert not ask(condition, emails=emails)[0]
    assert ask(condition | {"include_bots": True}, emails=emails)[0]
    assert ask(condition | {"link": links[1]}, emails=emails)[0]


def test_what_is_no_condition_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not a condition"):
        ask({"contcat": "a", "is": 1})


# --- totality ---

paths = st.sampled_from(["a", "b", "total", "a.b", "a[].b", "[]", "total.x", "a[][].b"])
numbers = st.integers(-5, 500) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=5)
lengths = st.sampled_from(["1 day", "0 seconds", "3650 days", "PT1S"])
moments = st.sampled_from(["2026-11-22", "2026-11-22T09:30:00Z", "soon"])
operators = st.one_of(
    st.fixed_dictionaries({"is": numbers | texts | st.booleans()}),
    st.fixed_dictionaries({"is_not": numbers | texts | st.booleans()}),
    st.fixed_dictionaries({"in": st.lists(numbers | texts | st.booleans())}),
    st.fixed_dictionaries({"not_in": st.lists(numbers | texts | st.booleans())}),
    *(st.fixed_dictionaries({op: texts}) for op in ("contains", "starts_with", "ends_with")),
    *(st.fixed_dictionaries({op: numbers}) for op in ("gt", "gte", "lt", "lte")),
    st.fixed_dictionaries({"between": st.lists(numbers, min_size=2, max_size=2)}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    *(st.fixed_dictionaries({op: moments}) for op in ("before", "after")),
    *(
        st.fixed_dictionaries({op: lengths})
        for op in ("within_last", "within_next", "anniversary_within")
    ),
)
comparisons = st.builds(
    lambda leaf, path, operator: {leaf: path, **operator},
    st.sampled_from(["contact", "event"]),
    paths,
    operators,
)
conditions = st.recursive(
    comparisons
    | st.builds(
        lambda name, window, where: {name: "Order Completed", **window, **where},
        st.sampled_from(["did", "did_not"]),
        st.sampled_from([{}, {"within": "1 day"}, {"since": "enrollment"}, {"times": {"is": 0}}]),
        st.just({}) | st.fixed_dictionaries({"where": comparisons}),
    ),
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=5,
)


@settings(max_examples=how_many(200))
@given(conditions, documents, documents)
def test_no_data_at_all_makes_a_condition_fail(condition: Json, one: Any, two: Any) -> None:
    needed = windows_needed(condition, NOW, ENTERED)
    seen = {window: [PastEvent(NOW, {"total": two, "a": one})] for window in needed}
    verdict = evaluate(
        condition,
        EvaluationContext(
            now=NOW,
            contact={"a": one, "total": two},
            event=one if isinstance(one, dict) else {"a": two},
            metrics=total(1),
            entered_at=ENTERED,
            windows=seen,
        ),
    )
    assert isinstance(verdict.value, bool)
    assert verdict.reason
    opposite = evaluate({"not": condition}, EvaluationContext(now=NOW, contact={"a": one}))
    assert (
        opposite.value
        is not evaluate(condition, EvaluationContext(now=NOW, contact={"a": one})).value
    )


@given(documents, numbers)
def test_no_value_is_both_below_and_at_least_a_bound(value: Any, bound: float) -> None:
    if not isinstance(value, list):
        assert not (asked(value, lt=bound) and asked(value, gte=bound))
        assert not (asked(value, gt=bound) and asked(value, lte=bound))
        assert not (asked(value, **{"is": bound}) and asked(value, is_not=bound))


@pytest.mark.parametrize("operator", ["within_last", "within_next"])
@pytest.mark.parametrize(
    ("away", "inside"),
    [
        (timedelta(0), True),
        (timedelta(days=3), True),
        (timedelta(days=3, milliseconds=1), False),
        (timedelta(milliseconds=-1), False),
    ],
    ids=["now", "at the far end", "just beyond it", "on the other side of now"],
)
def test_an_instant_at_either_end_of_its_span_is_inside(
    operator: str, away: timedelta, inside: bool
) -> None:
    at = NOW - away if operator == "within_last" else NOW + away
    assert asked(at.isoformat(), **{operator: "3 days"}) is inside
