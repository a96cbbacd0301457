from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.link_tokens import (
    Confirmation,
    Preferences,
    Unsubscribe,
    View,
    Visit,
    seal,
    seal_confirmation,
    seal_preferences,
    seal_view,
    seal_visit,
    unseal,
    unseal_confirmation,
    unseal_preferences,
    unseal_view,
    unseal_visit,
)
from tests.support.builders import MONDAY_NOON

hexes = st.text("0123456789abcdef", min_size=25, max_size=25)
slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,29}", fullmatch=True)
keys = st.text(min_size=1, max_size=64).filter(lambda key: key.isascii())


@st.composite
def claims(draw: st.DrawFn) -> Unsubscribe:
    contact = "c" + draw(hexes)
    topic = draw(st.just("") | slugs)
    return Unsubscribe(draw(slugs), contact, topic, f"{contact}-{draw(hexes)[:24]}")


@given(claims(), keys)
def test_a_token_gives_back_what_it_was_made_of(claim: Unsubscribe, key: str) -> None:
    assert unseal(claim.store, seal(claim, key), [key]) == claim


@given(claims(), keys, keys)
def test_a_token_made_with_the_previous_key_is_still_good(
    claim: Unsubscribe, key: str, previous: str
) -> None:
    assert unseal(claim.store, seal(claim, previous), [key, previous]) == claim


@given(claims(), keys, keys)
def test_a_token_made_with_any_other_key_is_none(claim: Unsubscribe, key: str, other: str) -> None:
    if key != other:
        assert unseal(claim.store, seal(claim, other), [key]) is None


@given(claims(), keys, slugs)
def test_a_token_is_bound_to_its_store(claim: Unsubscribe, key: str, store: str) -> None:
    if store != claim.store:
        assert unseal(store, seal(claim, key), [key]) is None


@given(claims(), keys, st.data())
def test_a_token_with_one_character_changed_is_none(
    claim: Unsubscribe, key: str, data: st.DataObject
) -> None:
    token = seal(claim, key)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_characters=token[place]))
    assert unseal(claim.store, token[:place] + other + token[place + 1 :], [key]) is None


@given(claims(), keys, st.data())
def test_a_piece_of_a_token_is_none(claim: Unsubscribe, key: str, data: st.DataObject) -> None:
    token = seal(claim, key)
    assert unseal(claim.store, token[: data.draw(st.integers(0, len(token) - 1))], [key]) is None
    assert unseal(claim.store, token[data.draw(st.integers(1, len(token))) :], [key]) is None


@given(claims(), keys, st.text(min_size=1))
def test_a_token_with_something_added_is_none(claim: Unsubscribe, key: str, more: str) -> None:
    token = seal(claim, key)
    assert unseal(claim.store, token + more, [key]) is None
    assert unseal(claim.store, more + token, [key]) is None


@given(slugs, st.text(), st.lists(keys, max_size=2))
def test_no_other_text_is_a_token_and_none_of_them_fails(
    store: str, text: str, live: list[str]
) -> None:
    assert unseal(store, text, live) is None
    assert unseal(store, f"{text}.{text}.{text}.{text}", live) is None


@given(claims())
def test_without_a_key_there_are_no_tokens(claim: Unsubscribe) -> None:
    """A store whose keys were taken away must not take what anyone can sign with none."""
    assert unseal(claim.store, seal(claim, ""), []) is None


@given(claims(), keys)
def test_a_token_may_stand_in_a_url_as_it_is(claim: Unsubscribe, key: str) -> None:
    token = seal(claim, key)
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert len(token) < 180


# --- the other kinds of links ---

ADAS = "c" + "7" * 25
MAIL = f"{ADAS}-{'1' * 24}"
OPEN = (unseal, unseal_confirmation, unseal_preferences, unseal_visit, unseal_view)


def of_each_kind(store: str, key: str) -> list[tuple[object, str]]:
    """A claim of each kind and its token."""
    confirmation = Confirmation(store, ADAS, "footer", "4" * 24, MONDAY_NOON)
    preferences, visit = Preferences(store, ADAS, MAIL), Visit(store, ADAS, MONDAY_NOON)
    no, view = Unsubscribe(store, ADAS, "offers", MAIL), View(store, ADAS, MAIL)
    return [
        (no, seal(no, key)),
        (confirmation, seal_confirmation(confirmation, key)),
        (preferences, seal_preferences(preferences, key)),
        (visit, seal_visit(visit, key)),
        (view, seal_view(view, key)),
    ]


@given(slugs, keys, keys)
def test_a_token_opens_one_kind_of_link_and_no_other(store: str, key: str, other: str) -> None:
    for number, (claim, token) in enumerate(of_each_kind(store, key)):
        for kind, unseals in enumerate(OPEN):
            assert unseals(store, token, [other, key]) == (claim if kind == number else None)
            assert unseals(store, token, [other] if other != key else []) is None
            assert unseals(f"{store}x", token, [key]) is None
            assert unseals(store, token[:-1], [key]) is None


@given(slugs, st.text(), st.lists(keys, max_size=2))
def test_no_other_text_opens_any_kind_of_link(store: str, text: str, live: list[str]) -> None:
    for unseals in OPEN:
        for piece in (text, f"{text}.{text}", f"{text}.{text}.{text}.{text}.{text}"):
            assert unseals(store, piece, live) is None


def test_links_that_are_good_for_a_time_know_when_it_is_over() -> None:
    confirmation = Confirmation("s", ADAS, "footer", "4" * 24, MONDAY_NOON)
    visit = Visit("s", ADAS, MONDAY_NOON)
    days = [timedelta(days=d) for d in (0, 7, 7.01, 30, 30.01)]
    late = [(confirmation.is_late(MONDAY_NOON + d), visit.is_late(MONDAY_NOON + d)) for d in days]
    assert late == [(False, False), (False, False), (True, False), (True, False), (True, True)]
