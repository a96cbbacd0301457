"""GET /v1/{store}/view/{token}: the web view, which runs no script and is not cached."""

import re

import pytest

from functions.view.app import handler
from milepost.sending.links import ViewLink, sign_view_link
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, FIRST_NAME, Printed, Shop
from tests.support.handlers import run, tell, upload
from tests.support.visitors import look

BODY = (
    "<p>Dear {{ contact.first_name | default('you') }}: {{ event.note | default('-') }}</p>"
    '<img src="{{ event.picture | default(store.url) }}" alt=""><a href="{{ urls.view }}">view</a>'
    '<a href="{{ urls.unsubscribe }}">stop</a>'
)


def send_email(shop: Shop, **data: str) -> str:
    """Send one e-mail and return the token of its view link."""
    files = files_of(cart=workflow(send("first"), category="transactional"))
    files["templates/plain/body.html"] = BODY
    upload(shop, files)
    tell(shop, "Checkout Started", dict(data))
    run(shop, "cart", "first")
    mail = shop.cloud.post.sent[-1]
    html = mail["Content"]["Simple"]["Body"]["Html"]["Data"]
    (token,) = re.findall(rf"/v1/{shop.store}/view/([\w.-]+)", html)
    return str(token)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_view_shows_email_and_writes_nothing(shop: Shop, method: str) -> None:
    token = send_email(shop, note="<script>alert(1)</script>", picture="javascript:alert(1)")
    before = shop.items()
    response = handler(look(shop, token, method), None)
    assert response["statusCode"] == 200
    page, headers = response["body"], response["headers"]
    assert f"Dear {FIRST_NAME}: &lt;script&gt;" in page
    assert "<script" not in page
    assert "javascript:" not in page
    assert EMAIL not in page
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src https: http:; style-src 'unsafe-inline'")
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"] == "noindex"
    assert shop.items() == before


def test_forged_link_and_missing_email_show_their_pages(shop: Shop, printed: Printed) -> None:
    other_contact = "c" + "7" * 25
    gone = sign_view_link(
        ViewLink(shop.store, other_contact, f"{other_contact}-{'1' * 24}"), shop.links
    )
    answer = handler(look(shop, gone), None)
    assert answer["statusCode"] == 410
    assert "not shown any more" in answer["body"]
    for token in ("", "x", gone[:-1], f"{gone}x"):
        answer = handler(look(shop, token), None)
        assert answer["statusCode"] == 404
        assert "This link does not work" in answer["body"]
    assert other_contact not in "".join(map(str, printed.lines()))
