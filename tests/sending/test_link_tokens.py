from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from milepost.sending.links import (
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
def unsubscribe_links(draw: st.DrawFn) -> UnsubscribeLink:
    contact = "c" + draw(hexes)
    topic = draw(st.just("") | slugs)
    return UnsubscribeLink(draw(slugs), contact, topic, f"{contact}-{draw(hexes)[:24]}")


@given(unsubscribe_links(), keys)
def test_token_returns_its_content(link: UnsubscribeLink, key: str) -> None:
    assert verify_unsubscribe_link(link.store, sign_unsubscribe_link(link, key), [key]) == link


@given(unsubscribe_links(), keys, keys)
def test_token_of_previous_key_is_valid(link: UnsubscribeLink, key: str, previous: str) -> None:
    assert (
        verify_unsubscribe_link(link.store, sign_unsubscribe_link(link, previous), [key, previous])
        == link
    )


@given(unsubscribe_links(), keys, keys)
def test_token_of_other_key_is_invalid(link: UnsubscribeLink, key: str, other: str) -> None:
    if key != other:
        assert (
            verify_unsubscribe_link(link.store, sign_unsubscribe_link(link, other), [key]) is None
        )


@given(unsubscribe_links(), keys, slugs)
def test_token_is_invalid_in_other_store(link: UnsubscribeLink, key: str, store: str) -> None:
    if store != link.store:
        assert verify_unsubscribe_link(store, sign_unsubscribe_link(link, key), [key]) is None


@given(unsubscribe_links(), keys, st.data())
def test_token_with_changed_character_is_invalid(
    link: UnsubscribeLink, key: str, data: st.DataObject
) -> None:
    token = sign_unsubscribe_link(link, key)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_characters=token[place]))
    assert (
        verify_unsubscribe_link(link.store, token[:place] + other + token[place + 1 :], [key])
        is None
    )


@given(unsubscribe_links(), keys, st.data())
def test_part_of_token_is_invalid(link: UnsubscribeLink, key: str, data: st.DataObject) -> None:
    token = sign_unsubscribe_link(link, key)
    assert (
        verify_unsubscribe_link(
            link.store, token[: data.draw(st.integers(0, len(token) - 1))], [key]
        )
        is None
    )
    assert (
        verify_unsubscribe_link(link.store, token[data.draw(st.integers(1, len(token))) :], [key])
        is None
    )


@given(unsubscribe_links(), keys, st.text(min_size=1))
def test_token_with_added_text_is_invalid(link: UnsubscribeLink, key: str, more: str) -> None:
    token = sign_unsubscribe_link(link, key)
    assert verify_unsubscribe_link(link.store, token + more, [key]) is None
    assert verify_unsubscribe_link(link.store, more + token, [key]) is None


@given(slugs, st.text(), st.lists(keys, max_size=2))
def test_any_other_text_is_invalid_and_raises_nothing(
    store: str, text: str, live: list[str]
) -> None:
    assert verify_unsubscribe_link(store, text, live) is None
    assert verify_unsubscribe_link(store, f"{text}.{text}.{text}.{text}", live) is None


@given(unsubscribe_links())
def test_token_is_invalid_without_keys(link: UnsubscribeLink) -> None:
    """A store without keys must not accept a token that is signed with an empty key."""
    assert verify_unsubscribe_link(link.store, sign_unsubscribe_link(link, ""), []) is None


@given(unsubscribe_links(), keys)
def test_token_needs_no_encoding_in_url(link: UnsubscribeLink, key: str) -> None:
    token = sign_unsubscribe_link(link, key)
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


def links_of_each_kind(store: str, key: str) -> list[tuple[object, str]]:
    """A link of each kind and its token."""
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
def test_token_is_valid_for_one_kind_of_link_only(store: str, key: str, other: str) -> None:
    for number, (link, token) in enumerate(links_of_each_kind(store, key)):
        for kind, unseals in enumerate(OPEN):
            assert unseals(store, token, [other, key]) == (link if kind == number else None)
            assert unseals(store, token, [other] if other != key else []) is None
            assert unseals(f"{store}x", token, [key]) is None
            assert unseals(store, token[:-1], [key]) is None


@given(slugs, st.text(), st.lists(keys, max_size=2))
def test_any_other_text_is_invalid_for_every_kind_of_link(
    store: str, text: str, live: list[str]
) -> None:
    for unseals in OPEN:
        for piece in (text, f"{text}.{text}", f"{text}.{text}.{text}.{text}.{text}"):
            assert unseals(store, piece, live) is None


def test_confirmation_and_device_links_expire() -> None:
    confirmation = ConfirmationLink("s", ADAS, "footer", "4" * 24, MONDAY_NOON)
    visit = DeviceLink("s", ADAS, MONDAY_NOON)
    days = [timedelta(days=d) for d in (0, 7, 7.01, 30, 30.01)]
    late = [(confirmation.is_late(MONDAY_NOON + d), visit.is_late(MONDAY_NOON + d)) for d in days]
    assert late == [(False, False), (False, False), (True, False), (True, False), (True, True)]
