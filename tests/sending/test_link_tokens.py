from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.link_tokens import (
    ConfirmationLink,
    DeviceLink,
    PreferencesLink,
    UnsubscribeLink,
    ViewLink,
    seal_confirmation,
    seal_preferences,
    seal_visit,
    sign_unsubscribe_link,
    sign_view_link,
    unseal_confirmation,
    unseal_preferences,
    unseal_visit,
    verify_unsubscribe_link,
    verify_view_link,
)
from tests.support.builders import MONDAY_NOON

hexes = st.text("0123456789abcdef", min_size=25, max_size=25)
slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,29}", fullmatch=True)
keys = st.text(st.characters(codec="ascii"), min_size=1, max_size=64)


@st.composite
def claims(draw: st.DrawFn) -> UnsubscribeLink:
    contact = "c" + draw(hexes)
    topic = draw(st.just("") | slugs)
    return UnsubscribeLink(draw(slugs), contact, topic, f"{contact}-{draw(hexes)[:24]}")


@given(claims(), keys)
def test_a_token_gives_back_what_it_was_made_of(claim: UnsubscribeLink, key: str) -> None:
    assert verify_unsubscribe_link(claim.store, sign_unsubscribe_link(claim, key), [key]) == claim


@given(claims(), keys, keys)
def test_a_token_made_with_the_previous_key_is_still_good(
    claim: UnsubscribeLink, key: str, previous: str
) -> None:
    assert (
        verify_unsubscribe_link(
            claim.store, sign_unsubscribe_link(claim, previous), [key, previous]
        )
        == claim
    )


@given(claims(), keys, keys)
def test_a_token_made_with_any_other_key_is_none(
    claim: UnsubscribeLink, key: str, other: str
) -> None:
    if key != other:
        assert (
            verify_unsubscribe_link(claim.store, sign_unsubscribe_link(claim, other), [key]) is None
        )


@given(claims(), keys, slugs)
def test_a_token_is_bound_to_its_store(claim: UnsubscribeLink, key: str, store: str) -> None:
    if store != claim.store:
        assert verify_unsubscribe_link(store, sign_unsubscribe_link(claim, key), [key]) is None


@given(claims(), keys, st.data())
def test_a_token_with_one_character_changed_is_none(
    claim: UnsubscribeLink, key: str, data: st.DataObject
) -> None:
    token = sign_unsubscribe_link(claim, key)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_characters=token[place]))
    assert (
        verify_unsubscribe_link(claim.store, token[:place] + other + token[place + 1 :], [key])
        is None
    )


@given(claims(), keys, st.data())
def test_a_piece_of_a_token_is_none(claim: UnsubscribeLink, key: str, data: st.DataObject) -> None:
    token = sign_unsubscribe_link(claim, key)
    assert (
        verify_unsubscribe_link(
            claim.store, token[: data.draw(st.integers(0, len(token) - 1))], [key]
        )
        is None
    )
    assert (
        verify_unsubscribe_link(claim.store, token[data.draw(st.integers(1, len(token))) :], [key])
        is None
    )


@given(claims(), keys, st.text(min_size=1))
def test_a_token_with_something_added_is_none(claim: UnsubscribeLink, key: str, more: str) -> None:
    token = sign_unsubscribe_link(claim, key)
    assert verify_unsubscribe_link(claim.store, token + more, [key]) is None
    assert verify_unsubscribe_link(claim.store, more + token, [key]) is None


@given(slugs, st.text(), st.lists(keys, max_size=2))
def test_no_other_text_is_a_token_and_none_of_them_fails(
    store: str, text: str, live: list[str]
) -> None:
    assert verify_unsubscribe_link(store, text, live) is None
    assert verify_unsubscribe_link(store, f"{text}.{text}.{text}.{text}", live) is None


@given(claims())
def test_without_a_key_there_are_no_tokens(claim: UnsubscribeLink) -> None:
    """A store whose keys were taken away must not take what anyone can sign with none."""
    assert verify_unsubscribe_link(claim.store, sign_unsubscribe_link(claim, ""), []) is None


@given(claims(), keys)
def test_a_token_may_stand_in_a_url_as_it_is(claim: UnsubscribeLink, key: str) -> None:
    token = sign_unsubscribe_link(claim, key)
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert len(token) < 180


# --- the other kinds of links ---

ADAS = "c" + "7" * 25
MAIL = f"{ADAS}-{'1' * 24}"
OPEN = (
    verify_unsubscribe_link,
    unseal_confirmation,
    unseal_preferences,
    unseal_visit,
    verify_view_link,
)


def of_each_kind(store: str, key: str) -> list[tuple[object, str]]:
    """A claim of each kind and its token."""
    confirmation = ConfirmationLink(store, ADAS, "footer", "4" * 24, MONDAY_NOON)
    preferences, visit = PreferencesLink(store, ADAS, MAIL), DeviceLink(store, ADAS, MONDAY_NOON)
    no, view = UnsubscribeLink(store, ADAS, "offers", MAIL), ViewLink(store, ADAS, MAIL)
    return [
        (no, sign_unsubscribe_link(no, key)),
        (confirmation, seal_confirmation(confirmation, key)),
        (preferences, seal_preferences(preferences, key)),
        (visit, seal_visit(visit, key)),
        (view, sign_view_link(view, key)),
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
    confirmation = ConfirmationLink("s", ADAS, "footer", "4" * 24, MONDAY_NOON)
    visit = DeviceLink("s", ADAS, MONDAY_NOON)
    days = [timedelta(days=d) for d in (0, 7, 7.01, 30, 30.01)]
    late = [(confirmation.is_late(MONDAY_NOON + d), visit.is_late(MONDAY_NOON + d)) for d in days]
    assert late == [(False, False), (False, False), (True, False), (True, False), (True, True)]
