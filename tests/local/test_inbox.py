"""The inbox shows sent mail without trusting it; its buttons act like a recipient."""

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from local import ports
from local.inbox.links import with_links_to
from local.ses.store import Mailbox
from local.stack.web_server import WebServer
from tests.local.conftest import Post, simple

SCRIPT = "<script>alert(1)</script>"
HOSTILE = '"><img src=x onerror=alert(1)>' + SCRIPT


class Scripts(HTMLParser):
    """Collects what a browser would run as script in a page of the inbox."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            dangerous = (value or "").strip().lower().startswith(("javascript:", "data:text"))
            if name.startswith("on") or name == "srcdoc" or (name == "href" and dangerous):
                self.found.append(f"{tag} {name}={value}")
        if tag == "script" and dict(attrs).get("src") != "/static/inbox.js":
            self.found.append(tag)
        if tag in ("base", "object", "embed"):
            self.found.append(tag)


def html_mail(html: str, **changes: Any) -> Any:
    return simple(Body={"Html": {"Data": html, "Charset": "UTF-8"}}, **changes)


def unsubscribable(url: str, post: str = "List-Unsubscribe=One-Click") -> Any:
    headers = [
        {"Name": "List-Unsubscribe", "Value": f"<mailto:u@shop.example>, <{url}>"},
        {"Name": "List-Unsubscribe-Post", "Value": post},
    ]
    return simple(Headers=headers)


def test_newest_mail_comes_first_with_step_and_status(post: Post) -> None:
    tags = [{"Name": "workflow", "Value": "welcome"}, {"Name": "step", "Value": "hello"}]
    post.send(Content=simple(Subject={"Data": "Older"}), EmailTags=tags)
    post.send(Content=simple(Subject={"Data": "Newer"}))
    post.server.publisher.settle()

    page = post.http.get("/").text

    assert page.index("Newer") < page.index("Older")
    for text in ("ada@mail.example", "welcome", "hello", "Delivery", "2026"):
        assert text in page


def test_inbox_filters_mails_by_address(post: Post) -> None:
    post.send(Destination={"ToAddresses": ["Ada <ada@mail.example>"]})
    post.send(Destination={"ToAddresses": ["bob@mail.example"]})

    found = post.json("GET", "/api/messages?to=ADA@mail.example")["messages"]

    assert [mail["recipients"] for mail in found] == [["ada@mail.example"]]
    assert "bob@mail.example" not in post.http.get("/?to=ada@mail.example").text


def test_mail_content_never_becomes_script_in_inbox_pages(post: Post) -> None:
    identity = post.send(
        Content=simple(
            Subject={"Data": HOSTILE},
            Body={
                "Html": {"Data": f"<a href='javascript:alert(1)'>{SCRIPT}</a>{HOSTILE}"},
                "Text": {"Data": HOSTILE},
            },
            Headers=[{"Name": "X-A", "Value": HOSTILE}],
        ),
        FromEmailAddress=f'"{HOSTILE[2:]}" <post@shop.example>',
        ReplyToAddresses=["eve@mail.example"],
    )
    post.server.publisher.settle()
    pages = [
        "/",
        f"/?to={HOSTILE}",
        f"/messages/{identity}",
        f"/messages/{identity}?view=text",
        f"/messages/{identity}?view=source",
        f"/messages/{identity}?view={HOSTILE}",
        f"/messages/{identity}/links/1",
        "/messages/%22%3E%3Cscript%3E",
    ]
    for path in pages:
        answer = post.http.get(path)
        assert Scripts(answer.text).found == [], path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_mail_html_is_shown_without_origin_script_or_form(post: Post) -> None:
    identity = post.send(Content=html_mail(f"<form action=//evil>{SCRIPT}</form>"))

    page = post.http.get(f"/messages/{identity}").text
    mail = post.http.get(f"/messages/{identity}/html")

    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    policy = {
        name: values
        for name, *values in map(str.split, mail.headers["content-security-policy"].split(";"))
    }
    assert policy["default-src"] == ["'none'"]
    assert "script-src" not in policy
    assert policy["form-action"] == policy["base-uri"] == ["'none'"]
    assert policy["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
    assert SCRIPT in mail.text, "shown as it was sent, for the policy renders it harmless"


def test_clicked_link_is_recorded_and_shown_instead_of_followed(
    post: Post,
) -> None:
    identity = post.send()
    post.topic.wait_for("Send", "Delivery")

    shown = post.http.get(f"/messages/{identity}/html").text
    followed = post.http.get(f"/messages/{identity}/links/1")

    assert f'href="/messages/{identity}/links/1" target="_blank" rel="noopener noreferrer"' in shown
    assert followed.status_code == 200
    assert "https://shop.example/a" in followed.text
    assert post.topic.wait_for("Send", "Delivery", "Click")[-1]["click"]["link"] == (
        "https://shop.example/a"
    )
    assert post.http.get(f"/messages/{identity}/links/2").status_code == 404


def test_non_web_links_are_never_offered(post: Post) -> None:
    identity = post.send(Content=html_mail("<a href=' JavaScript:alert(1)'>x</a>"))

    page = post.http.get(f"/messages/{identity}/links/1").text

    assert "Go there" not in page
    assert Scripts(page).found == []


def test_replacing_links_changes_nothing_else_in_mail() -> None:
    html = (
        "<!doctype html>\n<p>a < b &amp; c</p>\n<A HREF=one CLASS='x y' data-a='\"'>1</A>"
        "<a>none</a><a href='two'/>\n<!-- <a href='no'> --><img src=i><p dir=rtl>سلام"
    )

    changed = with_links_to(html, lambda link: f"/{link.number}")

    new_page = ' target="_blank" rel="noopener noreferrer"'
    assert changed == html.replace(
        "<A HREF=one CLASS='x y' data-a='\"'>",
        f'<a class="x y" data-a="&quot;" href="/1"{new_page}>',
    ).replace("<a href='two'/>", f'<a href="/2"{new_page}>')


def test_mail_buttons_record_event_and_return_to_mail(post: Post) -> None:
    identity = post.send()
    post.topic.wait_for("Send", "Delivery")
    for action in ("open", "bounce", "complain"):
        answer = post.http.post(f"/messages/{identity}/{action}")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/messages/{identity}"
    clicked = post.http.post(f"/messages/{identity}/click", data={"number": "1"})
    assert clicked.status_code == 303
    post.topic.wait_for("Send", "Delivery", "Open", "Bounce", "Complaint", "Click")

    assert post.http.post(f"/messages/{identity}/explode").status_code == 404
    assert post.http.post("/messages/gone/open").status_code == 404
    assert post.http.post("/delete").headers["location"] == "/"
    assert "No mail" in post.http.get("/").text


@contextmanager
def sender_site(answer: Response) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server of the sender that gives every POST this answer and keeps the requests."""
    came: list[dict[str, Any]] = []

    async def take(request: Request) -> Response:
        came.append(
            {
                "body": await request.body(),
                "headers": dict(request.headers),
                "path": str(request.url.path) + "?" + request.url.query,
            }
        )
        return answer

    listener = ports.listen(0)
    served = WebServer(
        Starlette(routes=[Route("/{p:path}", take, methods=["POST"])]), listener, "site"
    )
    try:
        yield f"http://localhost:{ports.port_of(listener)}/u/token?a=1", came
    finally:
        served.stop()


def test_one_click_unsubscribe_is_one_post_without_cookies(post: Post) -> None:
    with sender_site(PlainTextResponse("You are out.")) as (url, came):
        identity = post.send(Content=unsubscribable(url))
        page = post.http.post(f"/messages/{identity}/unsubscribe", headers={"Cookie": "session=x"})
        answer = post.json("POST", f"/api/messages/{identity}/unsubscribe")

    assert "You are out." in page.text
    assert answer == {"url": url, "status": 200, "body": "You are out.", "done": True}
    assert len(came) == 2
    for request in came:
        assert request["body"] == b"List-Unsubscribe=One-Click"
        assert request["path"] == "/u/token?a=1"
        assert request["headers"]["content-type"] == "application/x-www-form-urlencoded"
        assert not {"cookie", "authorization", "referer", "origin"} & set(request["headers"])
    assert post.json("GET", f"/api/messages/{identity}")["states"]["Unsubscribe"] == 2


def test_redirected_unsubscribe_is_a_failure(post: Post) -> None:
    with sender_site(RedirectResponse("/login", 302)) as (url, came):
        identity = post.send(Content=unsubscribable(url))
        answer = post.json("POST", f"/api/messages/{identity}/unsubscribe")

    assert answer["status"] == 302
    assert not answer["done"]
    assert len(came) == 1


def test_unreachable_unsubscribe_address_is_reported(post: Post) -> None:
    with ports.listen(0) as listener:
        dead = f"http://localhost:{ports.port_of(listener)}/u"
    identity = post.send(Content=unsubscribable(dead))

    answer = post.json("POST", f"/api/messages/{identity}/unsubscribe")

    assert answer["status"] == 0
    assert not answer["done"]


@pytest.mark.parametrize(
    "content",
    [
        simple(),
        unsubscribable("https://shop.example/u", post="yes"),
        unsubscribable("http://shop.example/u"),
        unsubscribable("file:///etc/passwd"),
    ],
    ids=["no headers", "another post header", "plain http", "no web address"],
)
def test_mail_without_one_click_unsubscribe_is_reported(post: Post, content: Any) -> None:
    identity = post.send(Content=content)

    assert post.http.post(f"/api/messages/{identity}/unsubscribe").status_code == 409
    assert post.http.post(f"/messages/{identity}/unsubscribe").status_code == 409
    assert "disabled" in post.http.get(f"/messages/{identity}").text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_other_origins_cannot_press_buttons(post: Post, origin: str) -> None:
    identity = post.send()
    post.topic.wait_for("Send", "Delivery")
    headers = {"Origin": origin}

    assert post.http.post(f"/messages/{identity}/bounce", headers=headers).status_code == 403
    assert post.http.delete("/api/messages", headers=headers).status_code == 403
    assert post.topic.kinds() == ["Send", "Delivery"]


def test_inbox_refuses_foreign_host_names(post: Post) -> None:
    assert post.http.get("/", headers={"Host": "rebound.example:80"}).status_code == 403
    port = httpx.URL(post.url).port
    assert post.http.get("/", headers={"Host": f"localhost:{port}"}).status_code == 200


def test_mail_document_is_complete_and_deletion_removes_it(post: Post) -> None:
    identity = post.send()
    post.server.publisher.settle()

    mail = post.json("GET", f"/api/messages/{identity}")

    assert mail["text"].strip() == "A: https://shop.example/a"
    assert "https://shop.example/a" in mail["html"]
    assert mail["source"].startswith("Message-ID: <")
    assert [one["kind"] for one in mail["history"]] == ["Send", "Delivery"]
    assert {"name": "Subject", "value": "Hello"} in mail["headers"]
    full = post.json("GET", "/api/messages?full=1&limit=1")["messages"]
    assert full == [mail]
    assert post.json("DELETE", "/api/messages") == {"deleted": 1}
    assert post.http.get(f"/api/messages/{identity}").status_code == 404
    assert post.http.get("/api/messages?limit=many").status_code == 422


def test_mailbox_keeps_newest_mails_and_counts_all(post: Post) -> None:
    post.send()
    mail = post.server.mailbox.newest()[0].mail
    small = Mailbox(max_kept=2)
    for number in range(3):
        small.add(type(mail)(**{**fields_of(mail), "id": str(number)}))

    assert [kept.mail.id for kept in small.newest()] == ["2", "1"]
    assert small.accepted == 3
    assert small.get("0") is None


def fields_of(mail: Any) -> dict[str, Any]:
    return {name: getattr(mail, name) for name in mail.__dataclass_fields__}


def test_right_to_left_text_survives_in_subject_text_and_html(post: Post) -> None:
    identity = post.send(
        Content={
            "Simple": {
                "Subject": {"Data": "سلام آدا", "Charset": "UTF-8"},
                "Body": {
                    "Html": {"Data": "<p dir=rtl>سلام</p>" + "س" * 2000, "Charset": "UTF-8"},
                    "Text": {"Data": "سلام", "Charset": "UTF-8"},
                },
            }
        }
    )

    mail = post.json("GET", f"/api/messages/{identity}")

    assert mail["subject"] == "سلام آدا"
    assert "<p dir=rtl>سلام</p>" in mail["html"]
    assert mail["text"].strip() == "سلام"
    assert all(len(line) <= 998 for line in mail["source"].splitlines())
