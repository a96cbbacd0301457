"""GET and POST /v1/{store}/unsubscribe/{token}: unsubscribe by button or with one click."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.unsubscribe.app import handler
from milepost.contacts.profile import Profile
from milepost.sending.links import UnsubscribeLink, sign_unsubscribe_link
from milepost.wiring import tables
from tests.support.aws_events import posted, sample
from tests.support.cloud import Cloud, Printed, Shop

Json = dict[str, Any]
CONTACT = "c" + "7" * 25
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def open_store(shop: Shop, printed: Printed) -> Shop:
    shop.settings()
    return shop


def get(shop: Shop, token: str) -> Json:
    request = sample("api", "unsubscribe.get")
    request["pathParameters"] = {"store": shop.store, "token": token}
    return request


def post(
    shop: Shop, token: str, body: bytes = b"", headers: Any = FORM, *, as_base64: bool = True
) -> Json:
    return posted(
        "unsubscribe.post", body, headers, as_base64=as_base64, store=shop.store, token=token
    )


def call(request: Json) -> tuple[int, str]:
    response = handler(request, None)
    headers = response["headers"]
    assert "location" not in headers
    assert "set-cookie" not in headers
    assert "cookies" not in response
    assert headers["cache-control"] == "no-store"
    assert response["statusCode"] in {200, 404}
    if headers["content-type"].startswith("text/html"):
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "<script" not in response["body"]
        assert "http" not in response["body"].replace("http-equiv", "")
    return response["statusCode"], response["body"]


def consents(shop: Shop, contact: str = CONTACT) -> dict[str, str]:
    profile = tables.contacts().profile(shop.store, contact)
    return profile.consents() if profile else {}


def proofs(shop: Shop) -> list[Json]:
    return shop.items("CONSENT#")


# --- GET ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_changes_nothing(open_store: Shop, method: str) -> None:
    request = get(open_store, open_store.token(CONTACT))
    request["requestContext"]["http"]["method"] = method
    status, page = call(request)
    assert status == 200
    assert '<form method="post">' in page
    assert "Offers" in page
    assert "Harborline" in page
    assert open_store.items() == []


def test_get_with_any_query_changes_nothing(
    open_store: Shop,
) -> None:
    request = get(open_store, open_store.token(CONTACT))
    request["queryStringParameters"] = {"List-Unsubscribe": "One-Click", "scope": "all"}
    request["body"] = ONE_CLICK.decode()
    call(request)
    assert open_store.items() == []


@pytest.mark.parametrize(
    ("locale", "lang", "direction"),
    [
        ("en", "en", "ltr"),
        ("fa-IR", "fa", "rtl"),
        ("ar", "ar", "rtl"),
        ("zh-Hant", "zh-Hant", "ltr"),
        ("zh-TW", "zh-Hant", "ltr"),
        ("nb-NO", "en", "ltr"),
        ('"><script>', "en", "ltr"),
    ],
)
def test_page_is_in_contacts_language(
    open_store: Shop, locale: str, lang: str, direction: str
) -> None:
    fields = {"locale": (locale, "2026-11-22T09:30:00.000Z", "evt-1")}
    profile = Profile(open_store.store, CONTACT, fields=fields, last_sequence=1)
    assert tables.contacts().apply(None, profile)
    _, page = call(get(open_store, open_store.token(CONTACT)))
    assert f'<html lang="{lang}" dir="{direction}">' in page


def test_hostile_names_of_store_and_topic_are_escaped(shop: Shop) -> None:
    evil = "</bdi><script>alert(1)</script>{topic}\"'"
    shop.settings(name=evil, topics={"offers": evil})
    for request in (get(shop, shop.token(CONTACT)), post(shop, shop.token(CONTACT))):
        _, page = call(request)
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{topic}&quot;&#x27;" in page


def test_unsubscribe_works_without_store_settings(shop: Shop) -> None:
    assert call(get(shop, shop.token(CONTACT)))[0] == 200
    call(post(shop, shop.token(CONTACT), ONE_CLICK))
    assert consents(shop) == {"offers": "withdrawn"}


# --- POST ---


def multipart(boundary: str, *, eol: str = "\r\n", disposition: str = 'name="{name}"') -> bytes:
    part = "Content-Disposition: form-data; " + disposition.format(name="List-Unsubscribe")
    lines = [f"--{boundary}", part, "", "One-Click", f"--{boundary}--", ""]
    return eol.join(lines).encode()


ODD_BODIES = [
    "a",
    "----WebKitFormBoundary7MA4YWxkTrZu0gW",
    "One-Click",
    "List-Unsubscribe=One-Click",
    "'()+_,-./:=?",
    "x" * 70,
    "=_Part_1 2",
]


@pytest.mark.parametrize("boundary", ODD_BODIES)
@pytest.mark.parametrize("quoted", [True, False])
def test_one_click_works_as_multipart_with_any_boundary(
    open_store: Shop, boundary: str, quoted: bool
) -> None:
    written = f'"{boundary}"' if quoted else boundary
    headers = {"Content-Type": f"multipart/form-data; boundary={written}"}
    token = open_store.token(CONTACT)
    status, body = call(post(open_store, token, multipart(boundary), headers))
    assert (status, json.loads(body)) == (200, {"status": "unsubscribed"})
    assert consents(open_store) == {"offers": "withdrawn"}
    assert [proof["method"]["S"] for proof in proofs(open_store)] == ["one-click"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=b", multipart("b", eol="\n")),
        ("Multipart/Form-Data; boundary=b", multipart("b")),
        ("multipart/form-data;boundary=b; charset=utf-8", multipart("b")),
        ("multipart/form-data; boundary=b", multipart("b", disposition="name={name}")),
        (
            "multipart/form-data; boundary=b",
            multipart("b").replace(b"Disposition: form-data", b"disposition:form-data"),
        ),
        (
            "multipart/form-data; boundary=b",
            multipart("b").replace(b'"\r\n', b'"\r\nContent-Type: text/plain\r\n', 1),
        ),
        (
            "multipart/form-data; boundary=b",
            b"preamble\r\n" + multipart("b") + b"epilogue",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' + multipart("b"),
        ),
        ("multipart/form-data; boundary=b", multipart("b", disposition='size=1; name="{name}"')),
        ("application/x-www-form-urlencoded", ONE_CLICK),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", ONE_CLICK),
        ("application/x-www-form-urlencoded", b"a=1&List-Unsubscribe=One-Click&b=%ff"),
        ("application/x-www-form-urlencoded", b"List%2DUnsubscribe=One%2DClick"),
        ("", ONE_CLICK),
        ("text/plain", ONE_CLICK),
    ],
)
def test_one_click_works_in_every_encoding(open_store: Shop, kind: str, body: bytes) -> None:
    token = open_store.token(CONTACT)
    status, answer = call(post(open_store, token, body, {"Content-Type": kind}))
    assert (status, json.loads(answer)) == (200, {"status": "unsubscribed"})
    assert [proof["method"]["S"] for proof in proofs(open_store)] == ["one-click"]


def test_one_click_works_with_plain_and_base64_body(open_store: Shop) -> None:
    request = post(open_store, open_store.token(CONTACT), ONE_CLICK, as_base64=False)
    assert json.loads(call(request)[1]) == {"status": "unsubscribed"}


def test_topic_button_withdraws_one_topic(open_store: Shop) -> None:
    token = open_store.token(CONTACT, "news")
    status, page = call(post(open_store, token, b"scope=topic"))
    assert status == 200
    assert "You are unsubscribed" in page
    assert "News" in page
    assert consents(open_store) == {"news": "withdrawn"}
    assert [proof["method"]["S"] for proof in proofs(open_store)] == ["page"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"scope=all"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="scope"\r\n\r\nall\r\n--b--\r\n',
        ),
    ],
)
def test_all_button_withdraws_every_topic(open_store: Shop, kind: str, body: bytes) -> None:
    token = open_store.token(CONTACT, "news")
    _, page = call(post(open_store, token, body, {"Content-Type": kind}))
    assert "no more marketing e-mails" in page
    assert consents(open_store) == {"news": "withdrawn", "offers": "withdrawn"}


@pytest.mark.parametrize("body", [b"", b"%", b"scope=everything", b"\xff\x00", b"=" * 9000])
def test_unclear_post_withdraws_topic_of_link(open_store: Shop, body: bytes) -> None:
    """A post to this address is always an unsubscribe; only its scope can be unclear."""
    assert call(post(open_store, open_store.token(CONTACT), body))[0] == 200
    assert consents(open_store) == {"offers": "withdrawn"}


def test_repeated_unsubscribe_changes_nothing(open_store: Shop) -> None:
    request = post(open_store, open_store.token(CONTACT), ONE_CLICK)
    assert call(request) == call(request)
    assert len(proofs(open_store)) == 1
    assert len(open_store.events("Unsubscribed")) == 1


def test_proof_has_source_and_message(open_store: Shop) -> None:
    message = f"{CONTACT}-{'4' * 24}"
    call(post(open_store, open_store.token(CONTACT, message=message), ONE_CLICK))
    (proof,) = proofs(open_store)
    assert proof["ip"]["S"] == "203.0.113.24"
    assert proof["user_agent"]["S"].startswith("Mozilla/5.0 (compatible; one-click)")
    assert proof["source"]["S"] == f"message {message}"
    assert proof["state"]["S"] == "withdrawn"


def test_long_user_agent_is_cut(open_store: Shop) -> None:
    headers = {**FORM, "User-Agent": "x" * 5000}
    call(post(open_store, open_store.token(CONTACT), ONE_CLICK, headers))
    (proof,) = proofs(open_store)
    assert proof["user_agent"]["S"] == "x" * 200


def test_link_works_for_unknown_contact(open_store: Shop) -> None:
    token = open_store.token("c" + "9" * 25)
    assert call(get(open_store, token))[0] == 200
    assert call(post(open_store, token, ONE_CLICK))[0] == 200
    assert consents(open_store, "c" + "9" * 25) == {"offers": "withdrawn"}


def test_link_works_after_key_rotation(cloud: Cloud) -> None:
    shop = cloud.open_shop(link_key="the new key", link_key_previous="the old key")
    claim = UnsubscribeLink(shop.store, CONTACT, "offers", f"{CONTACT}-{'1' * 24}")
    assert call(get(shop, sign_unsubscribe_link(claim, "the old key")))[0] == 200
    assert call(get(shop, sign_unsubscribe_link(claim, "the new key")))[0] == 200
    assert call(get(shop, sign_unsubscribe_link(claim, "the oldest key")))[0] == 404


# --- what is no link ---


def change_character(token: str, index: int) -> str:
    other = "A" if token[index] != "A" else "B"
    return token[:index] + other + token[index + 1 :]


FORGED: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "truncated": lambda t: t[:-1],
    "half": lambda t: t[: len(t) // 2],
    "longer": lambda t: t + "A",
    "padded": lambda t: t + "=",
    "the first bit": lambda t: change_character(t, 0),
    "the contact": lambda t: change_character(t, 8),
    "the topic": lambda t: t.replace(".offers.", ".news."),
    "no topic": lambda t: t.replace(".offers.", ".."),
    "the message": lambda t: change_character(t, len(CONTACT) + 10),
    "the last bit": lambda t: change_character(t, len(t) - 1),
    "unsigned": lambda t: t.rpartition(".")[0] + ".",
    "unicode": lambda t: t + "é",
    "lone surrogate": lambda t: "\ud800" + t,
    "null": lambda t: t + "\x00",
    "dots": lambda _: "...",
    "path": lambda _: "../../etc/passwd",
    "long": lambda _: "a" * 100_000,
    "upper case": str.upper,
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_link_always_shows_the_same_page(
    open_store: Shop, printed: Printed, how: str, method: str
) -> None:
    token = FORGED[how](open_store.token(CONTACT))
    request = get(open_store, token) if method == "GET" else post(open_store, token, ONE_CLICK)
    _, expected = call(get(open_store, "nonsense"))
    assert call(request) == (404, expected)
    assert printed.counted("UnsubscribeLinksRefused") == 2
    assert open_store.items() == []


def test_link_of_other_store_is_invalid(cloud: Cloud, open_store: Shop) -> None:
    other = cloud.open_shop()
    for request in (
        get(open_store, other.token(CONTACT)),
        post(open_store, other.token(CONTACT), ONE_CLICK),
        get(other, open_store.token(CONTACT)),
        post(other, open_store.token(CONTACT), ONE_CLICK),
    ):
        assert call(request)[0] == 404
    assert open_store.items() == []
    assert other.items() == []


def test_link_is_bound_to_store_even_with_shared_key(cloud: Cloud) -> None:
    one, two = cloud.open_shop(link_key="shared"), cloud.open_shop(link_key="shared")
    claim = UnsubscribeLink(one.store, CONTACT, "offers", f"{CONTACT}-{'1' * 24}")
    token = sign_unsubscribe_link(claim, "shared")
    assert call(get(one, token))[0] == 200
    assert call(get(two, token))[0] == 404


def test_store_without_link_key_accepts_no_link(cloud: Cloud) -> None:
    """With an empty key, anyone could sign a valid token."""
    shop = cloud.open_shop(link_key=None)
    claim = UnsubscribeLink(shop.store, CONTACT, "offers", f"{CONTACT}-{'1' * 24}")
    assert call(get(shop, sign_unsubscribe_link(claim, "")))[0] == 404


def test_unknown_store_accepts_no_link(shop: Shop) -> None:
    request = get(shop, shop.token(CONTACT))
    request["pathParameters"]["store"] = "nobody"
    assert call(request)[0] == 404
    request["pathParameters"]["store"] = f"../{shop.store}"
    response = handler(request, None)
    assert response["statusCode"] == 404
    assert json.loads(response["body"])["error"]["code"] == "unknown_store"


def test_link_is_not_logged(open_store: Shop, printed: Printed) -> None:
    token = open_store.token(CONTACT)
    printed.forbid(token, token.rpartition(".")[2])
    call(get(open_store, token))
    call(get(open_store, token[:-1]))
    call(post(open_store, token, ONE_CLICK))
    assert [r["message"] for r in printed.records() if "message" in r] == ["unsubscribed"]
    assert printed.leaked() == []


def test_all_button_withdraws_the_topic_of_the_link_even_if_the_shop_has_dropped_it(
    open_store: Shop,
) -> None:
    """A topic that comes back must not find a consent that its reader believes withdrawn."""
    call(post(open_store, open_store.token(CONTACT, "sales"), b"scope=all"))
    assert consents(open_store) == dict.fromkeys(["news", "offers", "sales"], "withdrawn")
