"""GET and POST /v1/{store}/preferences/{token}: show and save a contact's preferences."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.preferences.app import handler
from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Profile
from milepost.sending.links import PreferencesLink, seal_preferences
from milepost.wiring import tables
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud, Printed, Shop
from tests.support.handlers import enrolled, tell, upload
from tests.support.visitors import look, press

Json = dict[str, Any]
OTHER_CONTACT = "c" + "7" * 25
VISIT = workflow(
    {
        "id": "wait",
        "type": "delay_until",
        "date": "contact.properties.next_visit",
        "at": "09:00",
        "movable": {"en": "Your <i>next</i> visit", "fa": "نوبت بعدی شما"},
    },
    send("reminder"),
    on="Visited",
    category="transactional",
)


@pytest.fixture
def open_store(shop: Shop) -> Shop:
    upload(shop, files_of(visit=VISIT))
    shop.settings(
        locales=["en", "fa", "ar", "zh-Hant"],
        topics={"offers": "Offers", "news": "News"},
        topic_titles={"fa": {"offers": "پیشنهادها", "news": "تازه‌ها"}},
    )
    return shop


def ann(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def token(shop: Shop, contact: str = "", key: str = "") -> str:
    contact = contact or ann(shop)
    claim = PreferencesLink(shop.store, contact, f"{contact}-{'1' * 24}")
    return seal_preferences(claim, key or shop.links)


def call(made: Json) -> tuple[int, str]:
    response = handler(made, None)
    headers = response["headers"]
    assert "location" not in headers
    assert "set-cookie" not in headers
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "<script" not in response["body"]
    return response["statusCode"], response["body"]


def profile(shop: Shop, contact: str = "") -> Profile:
    found = tables.contacts().profile(shop.store, contact or ann(shop))
    return found or Profile(shop.store, contact or ann(shop))


def pass_on(shop: Shop, name: str = "Preferences Changed") -> None:
    react(shop.cloud.stream(*shop.events(name)), None)


def day(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).date().isoformat()


SAVE: Json = {"action": "save", "shown": ["offers", "news"], "topic": ["offers"]}


# --- looking ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_changes_nothing_and_shows_no_address(open_store: Shop, method: str) -> None:
    tell(open_store, "Order Completed")
    before = open_store.items()
    made = look(open_store, token(open_store), method)
    made["queryStringParameters"] = {"action": "all"}
    status, page = call(made)
    assert status == 200
    assert EMAIL not in page
    assert "Wrenkanari" not in page
    assert open_store.items() == before


@pytest.mark.parametrize(
    "body", ["", "action=", "action=everything", "topic=offers", "x" * 5000, "%ff=%"]
)
def test_post_without_action_changes_nothing(open_store: Shop, body: str) -> None:
    tell(open_store, "Order Completed")
    before = open_store.items()
    assert call(press(open_store, token(open_store), body))[0] == 200
    assert open_store.items() == before


@pytest.mark.parametrize(
    ("locale", "lang", "direction"),
    [
        ("en", "en", "ltr"),
        ("fa-IR", "fa", "rtl"),
        ("ar", "ar", "rtl"),
        ("zh-TW", "zh-Hant", "ltr"),
        ("nb", "en", "ltr"),
    ],
)
def test_page_is_in_contacts_language(
    open_store: Shop, locale: str, lang: str, direction: str
) -> None:
    tell(open_store, "Order Completed", contact={"email": EMAIL, "locale": locale})
    _, page = call(look(open_store, token(open_store)))
    assert f'<html lang="{lang}" dir="{direction}">' in page
    assert ("پیشنهادها" in page) == (lang == "fa")


def test_hostile_names_are_escaped(open_store: Shop) -> None:
    evil = "</bdi></option><script>alert(1)</script>{store}\"'"
    open_store.settings(name=evil, topics={"offers": evil}, topic_titles={})
    for made in (look(open_store, token(open_store)), press(open_store, token(open_store), SAVE)):
        _, page = call(made)
        assert "alert(1)</script>" not in page
        assert "&lt;script&gt;" in page


# --- topics ---


def test_withdrawal_applies_at_once_with_proof(open_store: Shop) -> None:
    tell(
        open_store,
        "Order Completed",
        contact={
            "email": EMAIL,
            "consent": [
                {"topic": t, "state": "granted", "at": "2026-01-01T00:00:00Z"}
                for t in ("offers", "news")
            ],
        },
    )
    status, page = call(press(open_store, token(open_store), SAVE, ip="198.51.100.7"))
    assert status == 200
    assert profile(open_store).consents() == {"offers": "granted", "news": "withdrawn"}
    (proof,) = [p for p in open_store.items("CONSENT#") if p["state"]["S"] == "withdrawn"]
    assert proof["method"]["S"] == "preferences"
    assert proof["ip"]["S"] == "198.51.100.7"
    assert checked(page, "topic") == ["offers"]
    assert open_store.events("Preferences Changed") == [], "the yes was known"


def test_grant_has_dated_proof_and_replaces_withdrawal(open_store: Shop) -> None:
    call(press(open_store, token(open_store), {"action": "all"}))
    assert set(profile(open_store).consents().values()) == {"withdrawn"}
    _, page = call(press(open_store, token(open_store), SAVE))
    assert checked(page, "topic") == ["offers"]
    pass_on(open_store)
    assert profile(open_store).consents() == {"offers": "granted", "news": "withdrawn"}
    (proof,) = [p for p in open_store.items("CONSENT#") if p["state"]["S"] == "granted"]
    assert proof["has_timestamp"]["BOOL"]
    assert (proof["consent_text"]["S"], proof["method"]["S"]) == ("Offers", "preferences")


def test_topics_not_on_page_are_unchanged(open_store: Shop) -> None:
    tell(
        open_store,
        "Order Completed",
        contact={
            "email": EMAIL,
            "consent": [{"topic": "news", "state": "granted", "at": "2026-01-01T00:00:00Z"}],
        },
    )
    call(press(open_store, token(open_store), {"action": "save", "shown": "offers"}))
    call(
        press(open_store, token(open_store), {"action": "save", "topic": "sales", "shown": "sales"})
    )
    assert profile(open_store).consents() == {"news": "granted"}


def test_unchecked_topic_without_consent_stores_nothing(open_store: Shop) -> None:
    call(press(open_store, token(open_store), {**SAVE, "topic": []}))
    assert open_store.items() == []


def test_unsubscribe_from_everything_withdraws_all_topics(open_store: Shop) -> None:
    status, page = call(press(open_store, token(open_store, OTHER_CONTACT), "action=all"))
    assert (status, "unsubscribed from everything" in page) == (200, True)
    assert profile(open_store, OTHER_CONTACT).consents() == {
        "offers": "withdrawn",
        "news": "withdrawn",
    }
    call(press(open_store, token(open_store, OTHER_CONTACT), "action=all"))
    assert len(open_store.events("Unsubscribed")) == 1


# --- how often, in which language, on whose clock ---


def checked(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


def selected(page: str, name: str) -> str:
    options = page.partition(f'<select id="{name}"')[2].partition("</select>")[0]
    return options.partition('" selected')[0].rpartition('"')[2]


def test_frequency_language_and_time_zone_are_saved_and_shown(open_store: Shop) -> None:
    post_data = {**SAVE, "frequency": "weekly", "locale": "fa", "timezone": "Asia/Tehran"}
    _, page = call(press(open_store, token(open_store), post_data))
    assert 'lang="fa" dir="rtl"' in page
    assert checked(page, "frequency") == ["weekly"]
    assert (selected(page, "locale"), selected(page, "timezone")) == ("fa", "Asia/Tehran")
    pass_on(open_store)
    known = profile(open_store).as_data()
    assert (known["frequency"], known["locale"], known["timezone"]) == (
        "weekly",
        "fa",
        "Asia/Tehran",
    )
    assert call(look(open_store, token(open_store)))[1].count("checked") == 2


def test_stores_time_zone_can_be_chosen_again(open_store: Shop) -> None:
    tell(open_store, "Order Completed", contact={"email": EMAIL, "timezone": "Pacific/Chatham"})
    _, page = call(look(open_store, token(open_store)))
    assert selected(page, "timezone") == "Pacific/Chatham"
    call(press(open_store, token(open_store), {**SAVE, "timezone": ""}))
    pass_on(open_store)
    assert profile(open_store).get("timezone") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frequency", "hourly"),
        ("locale", "de"),
        ("locale", '"><script>'),
        ("timezone", "Mars/X"),
        ("timezone", "../../etc/passwd"),
        ("frequency", ""),
    ],
)
def test_choice_that_is_not_offered_is_ignored(open_store: Shop, field: str, value: str) -> None:
    call(press(open_store, token(open_store), {"action": "save", field: value}))
    assert open_store.items() == []


# --- a break ---


def test_snooze_lasts_thirty_days_and_can_be_ended(open_store: Shop) -> None:
    _, page = call(press(open_store, token(open_store), "action=snooze"))
    assert "You will get no marketing e-mails until" in page
    assert "paused until" in page
    pass_on(open_store)
    until = datetime.fromisoformat(profile(open_store).get("snoozed_until"))
    assert abs(until - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    _, page = call(press(open_store, token(open_store), "action=resume"))
    assert "Your break is over" in page
    pass_on(open_store)
    assert profile(open_store).get("snoozed_until") is None


# --- reminders ---


@pytest.fixture
def waiting(open_store: Shop) -> str:
    """The id of Ann's enrollment, which waits for her next visit."""
    contact = {"email": EMAIL, "locale": "en", "properties": {"next_visit": day(20) + "T15:00"}}
    tell(open_store, "Visited", contact=contact)
    run_steps({**enrolled(open_store, "visit"), "block": "wait"}, None)
    return str(enrolled(open_store, "visit")["enrollment"]["id"])


def due(shop: Shop) -> str:
    (item,) = shop.items("ENROLLMENT#")
    return str(item["timer_due"]["S"][:10])


def test_moved_reminder_reschedules_wait(open_store: Shop, waiting: str) -> None:
    assert due(open_store) == day(20)
    _, page = call(look(open_store, token(open_store)))
    assert "Your &lt;i&gt;next&lt;/i&gt; visit" in page
    assert f'value="{day(20)}"' in page
    post_data = {"action": "move", "reminder": waiting, "date": day(40)}
    status, page = call(press(open_store, token(open_store), post_data))
    assert status == 200
    assert "Your reminder follows the new date" in page
    assert f'value="{day(40)}"' in page
    pass_on(open_store)
    assert profile(open_store).get("properties.next_visit") == day(40) + "T15:00"
    assert due(open_store) == day(40)


@pytest.mark.parametrize("date", ["", "soon", "2020-01-01", "9999-01-01", "2026-02-30", "x" * 500])
def test_invalid_reminder_date_is_rejected_with_message(
    open_store: Shop, waiting: str, date: str
) -> None:
    post_data = {"action": "move", "reminder": waiting, "date": date}
    status, page = call(press(open_store, token(open_store), post_data))
    assert status == 422
    assert 'role="alert"' in page
    assert open_store.events("Preferences Changed") == []


def test_reminder_cannot_move_to_today(open_store: Shop, waiting: str) -> None:
    for number, status in ((0, 422), (2, 200)):
        post_data = {"action": "move", "reminder": waiting, "date": day(number)}
        assert call(press(open_store, token(open_store), post_data))[0] == status


def test_link_cannot_move_reminder_of_other_contact(open_store: Shop, waiting: str) -> None:
    post_data = {"action": "move", "reminder": waiting, "date": day(40)}
    _, page = call(press(open_store, token(open_store, OTHER_CONTACT), post_data))
    assert "visit" not in page
    assert open_store.events("Preferences Changed") == []
    assert due(open_store) == day(20)


def test_post_can_set_only_date_of_reminder(open_store: Shop, waiting: str) -> None:
    for forged in ("vip", "../x", "", f"{waiting}x"):
        post_data = {"action": "move", "reminder": forged, "date": day(40), "property": "vip"}
        call(press(open_store, token(open_store), post_data))
    assert open_store.events("Preferences Changed") == []


def test_started_reminder_is_no_longer_offered(open_store: Shop, waiting: str) -> None:
    ref = enrolled(open_store, "visit")["enrollment"]
    run_steps({"enrollment": ref, "block": "reminder", "block_seq": 1, "execution_no": 1}, None)
    assert "next" not in call(look(open_store, token(open_store)))[1].partition("<body>")[2]


# --- what is no link ---


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t, s: t[:-1],
        lambda t, s: t + "A",
        lambda t, s: "c" + "8" * 25 + t[26:],
        lambda t, s: s.token(ann(s)),
        lambda t, s: token(s, key="guessed"),
        lambda t, s: "x.y.z",
        lambda t, s: "",
        lambda t, s: "\ud800",
        lambda t, s: "a" * 100_000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_link_shows_and_changes_nothing(
    open_store: Shop, printed: Printed, spoil: Callable[[str, Shop], str], method: str
) -> None:
    bad = spoil(token(open_store), open_store)
    made = look(open_store, bad) if method == "GET" else press(open_store, bad, "action=all")
    assert call(made) == call(look(open_store, "nonsense"))
    assert printed.counted("PreferenceLinksRefused") == 2
    assert open_store.items() == []


def test_link_of_other_store_is_invalid(cloud: Cloud) -> None:
    one, two = cloud.open_shop(link_key="shared"), cloud.open_shop(link_key="shared")
    mark = token(one, OTHER_CONTACT, key="shared")
    assert call(look(one, mark))[0] == 200
    assert call(press(two, mark, "action=all"))[0] == 404
    assert two.items() == []


def test_link_works_after_key_rotation(cloud: Cloud) -> None:
    shop = cloud.open_shop(link_key="new", link_key_previous="old")
    shop.settings()
    assert call(look(shop, token(shop, OTHER_CONTACT, key="old")))[0] == 200


def test_multipart_post_is_rejected_with_reason(open_store: Shop) -> None:
    made = press(open_store, token(open_store), "action=all")
    made["headers"]["content-type"] = "multipart/form-data; boundary=x"
    assert handler(made, None)["statusCode"] == 415


def test_link_is_not_logged(open_store: Shop, printed: Printed) -> None:
    mark = token(open_store)
    printed.forbid(mark, "198.51.100.7")
    call(press(open_store, mark, {**SAVE, "timezone": "Asia/Tehran"}))
    assert [r["message"] for r in printed.records() if "message" in r][-1:] == [
        "preferences changed"
    ]
