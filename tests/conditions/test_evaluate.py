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


def check(condition: Json, **context: Any) -> tuple[bool, str]:
    result = evaluate(condition, EvaluationContext(**{"now": NOW, **context}))
    return result.value, result.reason


def compares(value: Any, **operator: Any) -> bool:
    """Whether a field of the contact with this value meets the operator."""
    return check({"contact": "field", **operator}, contact={"field": value})[0]


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
def test_operator_compares_value_with_bound(value: Any, operator: Json, met: bool) -> None:
    assert compares(value, **operator) is met


def test_operator_table_covers_every_operator() -> None:
    (cases,) = [mark.args[1] for mark in test_operator_compares_value_with_bound.pytestmark]
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
def test_value_of_wrong_type_is_false_with_reason(value: Any, operator: Json) -> None:
    met, why = check({"contact": "field", **operator}, contact={"field": value})
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
def test_incomparable_value_does_not_hide_other_values_of_a_list(
    values: list[Any], operator: Json, met: bool
) -> None:
    """A product without a price stands before an expensive one."""
    products = [{"price": value} for value in values]
    for order in (products, products[::-1]):
        found, why = check({"event": "products[].price", **operator}, event={"products": order})
        assert found is met
        assert "cannot be compared" not in why


@pytest.mark.parametrize(
    "amounts", [[1e308, 1e308], [[1e308, "1e308"]], [-1e308, -1e308], [1e308, 1e308, -1e308]]
)
def test_sum_of_overflows_to_infinity_without_error(amounts: list[Any]) -> None:
    window = EventWindow("Paid", None)
    past_events = [PastEvent(NOW, {"total": amount}) for amount in amounts]
    context = EvaluationContext(now=NOW, windows={window: past_events})
    asked = {"sum_of": "Paid", "of": "total"}
    large = evaluate({**asked, "gt": 1000}, context)
    small = evaluate({**asked, "lt": -1000}, context)
    assert large.value is not small.value


@pytest.mark.parametrize("operator", OPERATORS)
def test_missing_field_is_false_for_every_operator(operator: str) -> None:
    bound = {"exists": True, "in": ["x"], "not_in": ["x"], "between": [0, 1]}.get(operator, "x")
    for contact in ({}, {"field": None}):
        met, why = check({"contact": "field", operator: bound}, contact=contact)
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
def test_anniversary_within_recurs_every_year(now: str, day: str, within: str, met: bool) -> None:
    at = datetime.fromisoformat(f"{now}T09:30:00+00:00")
    condition = {"contact": "birthday", "anniversary_within": within}
    assert check(condition, now=at, contact={"birthday": day})[0] is met


# --- lists and groups ---


def test_condition_holds_if_one_of_several_values_matches() -> None:
    event = {"products": [{"category": "hats"}, {"category": "shoes"}]}
    condition = {"event": "products[].category", "contains": "shoes"}
    assert check(condition, event=event) == (
        True,
        "event.products[].category is hats, shoes (condition: contains shoes)",
    )


def test_all_any_and_not_combine_conditions() -> None:
    yes, no = {"contact": "a", "exists": True}, {"contact": "b", "exists": True}
    contact = {"a": 1}
    assert check({"all": [yes, yes]}, contact=contact)[0]
    assert not check({"all": [yes, no]}, contact=contact)[0]
    assert check({"any": [no, yes]}, contact=contact)[0]
    assert not check({"any": [no, no]}, contact=contact)[0]
    assert check({"not": no}, contact=contact)[0]
    assert not check({"not": {"any": [no, yes]}}, contact=contact)[0]


def test_group_gives_reason_of_deciding_condition() -> None:
    yes, no = {"contact": "a", "is": 1}, {"contact": "b", "is": 1}
    contact = {"a": 1}
    assert check({"all": [yes, no]}, contact=contact)[1] == "contact.b is missing"
    assert check({"any": [no, yes]}, contact=contact)[1] == "contact.a is 1 (condition: is 1)"
    assert check({"any": [no, no]}, contact=contact)[1] == (
        "contact.b is missing and contact.b is missing"
    )


def test_reason_shows_whole_numbers_without_decimals() -> None:
    """The models of files convert every bound to a float."""
    assert check({"event": "total", "gte": 100.0}, event={"total": 99.5})[1] == (
        "event.total is 99.5 (condition: is at least 100)"
    )
    assert check({"event": "total", "between": [1.0, 2.5]}, event={"total": 2.0})[1] == (
        "event.total is 2 (condition: is between 1 and 2.5)"
    )


def test_reason_shortens_long_values() -> None:
    why = check({"contact": "field", "is": "x" * 5000}, contact={"field": ["y" * 500] * 50})[1]
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
def test_did_and_did_not_compare_event_count(times: Json | None, count: int, met: bool) -> None:
    condition = {"did": "Order Completed"} | ({"times": times} if times else {})
    metrics = total(count) if count else {}
    assert check(condition, metrics=metrics)[0] is met
    negated = {"did_not": "Order Completed"} | ({"times": times} if times else {})
    assert check(negated, metrics=metrics)[0] is not met


def test_did_reason_has_count_and_required_count() -> None:
    condition = {"did": "Order Completed", "times": {"gte": 2}}
    assert check(condition, metrics=total(1))[1] == "did Order Completed once, needs at least 2"
    assert check({"did_not": "Order Completed"}, metrics=total(3))[1] == (
        "did Order Completed 3 times, must not have at least 1"
    )
    within = {"did": "Order Completed", "within": "30 days"}
    assert check(within)[1] == "did Order Completed never within 30 days, needs at least 1"
    since = {"did": "Order Completed", "since": "enrollment"}
    assert check(since, entered_at=ENTERED)[1] == (
        "did Order Completed never since entering, needs at least 1"
    )


def windows(*at: datetime, since: datetime | None = None, **data: Any) -> dict[str, Any]:
    window = EventWindow("Order Completed", since)
    return {"windows": {window: [PastEvent(each, data) for each in at]}}


def test_did_within_counts_events_of_window_not_totals() -> None:
    condition = {"did": "Order Completed", "within": "30 days", "times": {"gte": 2}}
    since = NOW - timedelta(days=30)
    assert list(windows_needed(condition, NOW, ENTERED)) == [EventWindow("Order Completed", since)]
    assert check(condition, metrics=total(9), **windows(NOW, NOW, since=since))[0]
    assert not check(condition, metrics=total(9), **windows(NOW, since=since))[0]


def test_did_once_since_enrollment_uses_totals() -> None:
    condition = {"did": "Order Completed", "since": "enrollment"}
    assert list(windows_needed(condition, NOW, ENTERED)) == []
    assert check(condition, entered_at=ENTERED, metrics=total(1, NOW))[0]
    assert not check(condition, entered_at=ENTERED, metrics=total(9, ENTERED))[0]
    assert check(condition, entered_at=None, metrics=total(1))[0]


def test_did_twice_since_enrollment_uses_window() -> None:
    condition = {"did": "Order Completed", "since": "enrollment", "times": {"gte": 2}}
    assert list(windows_needed(condition, NOW, ENTERED)) == [
        EventWindow("Order Completed", ENTERED)
    ]
    seen = windows(NOW, NOW, since=ENTERED)
    assert check(condition, entered_at=ENTERED, metrics=total(2), **seen)[0]


def test_where_filters_counted_events() -> None:
    where = {"all": [{"event": "total", "gte": 20}, {"contact": "country", "is": "NO"}]}
    condition = {"did": "Order Completed", "where": where}
    assert list(windows_needed(condition, NOW, None)) == [EventWindow("Order Completed", None)]
    contact = {"country": "NO"}
    assert check(condition, contact=contact, **windows(NOW, total=20))[0]
    assert not check(condition, contact=contact, **windows(NOW, total=19))[0]
    assert not check(condition, contact={}, **windows(NOW, total=20))[0]


def test_where_reads_counted_event_not_trigger_event() -> None:
    condition = {"did": "Order Completed", "where": {"event": "total", "gte": 20}}
    assert not check(condition, event={"total": 99}, **windows(NOW, total=1))[0]


def test_needs_of_nested_conditions_are_collected() -> None:
    inner = {"did_not": "Order Completed", "within": "1 day"}
    asks = {"email": "reminder", "was": "opened"}
    condition = {"all": [{"any": [{"not": inner}, asks]}, {"not": {"all": [inner, asks]}}]}
    window = EventWindow("Order Completed", NOW - timedelta(days=1))
    assert list(windows_needed(condition, NOW, None)) == [window, window]
    assert list(emails_needed(condition)) == ["reminder", "reminder"]


# --- the other leaves ---


def test_consents_to_holds_until_withdrawal() -> None:
    condition = {"consents_to": "offers"}
    assert check(condition, consent={"offers": "granted"}) == (True, "consents to offers")
    assert check(condition, consent={"offers": "withdrawn"}) == (
        False,
        "has withdrawn consent to offers",
    )
    assert check(condition, consent={"news": "granted"}) == (False, "never consented to offers")


def test_in_workflow_checks_active_enrollments() -> None:
    condition = {"in_workflow": "welcome"}
    assert check(condition, active_workflows=frozenset({"welcome"})) == (
        True,
        "is in workflow welcome",
    )
    assert check(condition) == (False, "is not in workflow welcome")


@pytest.mark.parametrize("was", ["delivered", "opened", "clicked", "bounced", "complained"])
def test_email_condition_checks_delivery_events(was: str) -> None:
    condition = {"email": "reminder", "was": was}
    assert check(condition, emails={"reminder": {f"{was}_at": "2026-11-22T09:30:00.000Z"}}) == (
        True,
        f"e-mail reminder was {was}",
    )
    assert check(condition, emails={"reminder": {}}) == (False, f"e-mail reminder was not {was}")
    assert check(condition) == (False, f"e-mail reminder was not {was}")


def test_email_clicked_checks_the_named_link() -> None:
    condition = {"email": "reminder", "was": "clicked", "link": "https://a.example"}
    message = {"clicked_at": "2026-11-22T09:30:00.000Z", "links": {"https://a.example"}}
    assert check(condition, emails={"reminder": message})[0]
    assert not check({**condition, "link": "https://b.example"}, emails={"reminder": message})[0]
    assert not check(condition)[0]


@pytest.mark.parametrize("was", ["opened", "clicked"])
def test_bot_activity_counts_only_with_include_bots(was: str) -> None:
    condition = {"email": "reminder", "was": was}
    by_bot = {"reminder": {f"bot_{was}_at": "2026-11-22T09:30:00.000Z"}}
    assert not check(condition, emails=by_bot)[0]
    assert check(condition | {"include_bots": True}, emails=by_bot)[0]


def test_link_followed_only_by_bot_was_not_clicked() -> None:
    links = ("https://a.example", "https://b.example")
    clicks = [*zip(links, (0, 0.1), strict=True), (links[1], 900)]
    traces = {click_key(NOW + timedelta(seconds=after), link, "") for link, after in clicks}
    emails = {"reminder": for_conditions({"clicks": traces, "links": {*links}})}
    condition = {"email": "reminder", "was": "clicked", "link": links[0]}
    assert not check(condition, emails=emails)[0]
    assert check(condition | {"include_bots": True}, emails=emails)[0]
    assert check(condition | {"link": links[1]}, emails=emails)[0]


def test_unknown_condition_raises_value_error() -> None:
    with pytest.raises(ValueError, match="not a condition"):
        check({"contcat": "a", "is": 1})


# --- any data ---

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
def test_evaluate_never_raises_for_any_data(condition: Json, one: Any, two: Any) -> None:
    needed = windows_needed(condition, NOW, ENTERED)
    seen = {window: [PastEvent(NOW, {"total": two, "a": one})] for window in needed}
    result = evaluate(
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
    assert isinstance(result.value, bool)
    assert result.reason
    opposite = evaluate({"not": condition}, EvaluationContext(now=NOW, contact={"a": one}))
    assert (
        opposite.value
        is not evaluate(condition, EvaluationContext(now=NOW, contact={"a": one})).value
    )


@given(documents, numbers)
def test_no_value_meets_two_opposite_operators(value: Any, bound: float) -> None:
    if not isinstance(value, list):
        assert not (compares(value, lt=bound) and compares(value, gte=bound))
        assert not (compares(value, gt=bound) and compares(value, lte=bound))
        assert not (compares(value, **{"is": bound}) and compares(value, is_not=bound))


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
    assert compares(at.isoformat(), **{operator: "3 days"}) is inside
