"""No link of a mail runs code, and no page redirects its visitor to another site."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.preferences.app import handler as preferences
from functions.trigger_form.app import handler as trigger_form
from functions.unsubscribe.app import handler as unsubscribe
from milepost.contacts.event import contact_id
from milepost.sending.links import PreferencesLink, seal_preferences
from milepost.templates.compile import compile_template
from milepost.templates.rendering import Renderer
from milepost.templates.version import TemplateVersion
from tests.security.test_stored_script import Reader
from tests.support.builders import settings as settings_file
from tests.support.builders import template
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import report, upload
from tests.support.visitors import FOOTER, PAGE, form_post, look, press

Json = dict[str, Any]
TARGETS = {
    "javascript": "javascript:alert(1)",
    "in upper case": "JaVaScRiPt:alert(1)",
    "after a blank": " javascript:alert(1)",
    "after a control character": "\x01javascript:alert(1)",
    "with a tab in it": "java\tscript:alert(1)",
    "with a line break in it": "java\nscript:alert(1)",
    "with a NUL in it": "java\x00script:alert(1)",
    "with an entity in it": "java&#9;script:alert(1)",
    "with an entity for the colon": "javascript&colon;alert(1)",
    "percent encoded": "javascript%3Aalert(1)",
    "after a byte order mark": "\ufeffjavascript:alert(1)",
    "after a zero-width blank": "\u200bjavascript:alert(1)",
    "after a soft hyphen": "java\u00adscript:alert(1)",
    "full-width colon": "javascript\uff1aalert(1)",
    "vbscript": "vbscript:msgbox(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "data in Base64": "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "file": "file:///etc/passwd",
    "view-source": "view-source:javascript:alert(1)",
    "blob": "blob:https://evil.example/x",
    "an app": "intent://evil#Intent;scheme=x;end",
    "an app of a system": "ms-msdt:/id PCWDiagnostic",
    "no scheme": "evil.example",
    "a path": "/v1/demo/unsubscribe/x",
    "backslashes": "\\\\evil.example",
    "three slashes": "///evil.example",
    "one slash": "https:/evil.example",
    "no slash": "https:evil.example",
    "nothing": "",
    "a blank": " ",
    "a query": "?x=1",
}
MAIL = (
    '<html><body><a href="{{ event.to }}">x</a><img src="{{ event.to }}" alt="x" width="1">'
    '<p>{{ store.postal_address }} <a href="{{ urls.unsubscribe }}">x</a></p></body></html>'
)


class Addresses(Reader):
    """The link targets of a page or a mail, as written in its attributes."""

    def __init__(self, page: str) -> None:
        self.found: list[str] = []
        super().__init__(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    files = {"subject.txt": "Hi", "body.html": MAIL}
    made = compile_template("test/mail", files, {}, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    return Renderer(made)


@pytest.mark.parametrize("how", TARGETS)
def test_link_value_is_limited_to_allowed_targets(renderer: Renderer, how: str) -> None:
    context = {
        "contact": {},
        "event": {"to": TARGETS[how]},
        "store": {"postal_address": "1 Quay Street"},
        "urls": {"unsubscribe": "https://api.example/u"},
    }
    *written, last = Addresses(renderer.render(context, "en").html).found
    assert last == "https://api.example/u"
    assert len(written) == 2
    for address in written:
        parts = urlsplit(address)
        real = parts.scheme in {"http", "https"} and parts.hostname
        assert address == "#" or real or parts.scheme in {"mailto", "tel"}, address


@pytest.mark.parametrize("how", [name for name, to in TARGETS.items() if to.strip()])
def test_template_with_unsafe_link_is_not_published(how: str) -> None:
    body = MAIL.replace('<a href="{{ event.to }}">', f'<a href="{TARGETS[how]}">')
    files = {
        "subject.txt": "Hi",
        "body.html": body.replace("{{ event.to }}", "https://x.example/i"),
    }
    assert not isinstance(compile_template("test/mail", files, {}, "en", ["en"]), TemplateVersion)


ELSEWHERE = {
    "another host": "https://evil.example/",
    "a host that begins alike": "https://shop.harborline.example.evil.example/",
    "a host that ends alike": "https://evilshop.harborline.example/",
    "the host as a user": "https://shop.harborline.example@evil.example/",
    "the host as a user with a password": "https://shop.harborline.example:x@evil.example/",
    "the host in the path": "https://evil.example/shop.harborline.example",
    "the host in the query": "https://evil.example?shop.harborline.example",
    "the host in the fragment": "https://evil.example#@shop.harborline.example",
    "backslash for a slash": "https://evil.example\\@shop.harborline.example",
    "no scheme": "//evil.example/",
    "backslashes": "\\\\evil.example",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "a line break": "https://shop.harborline.example/\r\nLocation: https://evil.example",
    "a subdomain": "https://evil.shop.harborline.example/",
    "the domain above": "https://harborline.example/",
    "look-alike letters": "https://sh\u043ep.harborline.example/",
    "ideographic dots": "https://evil\u3002example/",
    "a host in brackets": "https://[evil.example]/",
    "an address": "https://127.0.0.1/",
    "a tab in the host": "https://ev\til.example/",
    "another scheme": "ftp://shop.harborline.example/",
}


@pytest.mark.parametrize("how", ELSEWHERE)
def test_form_with_unsafe_redirect_is_not_published(shop: Shop, how: str) -> None:
    form = {**FOOTER, "redirect": ELSEWHERE[how]}
    files = {"settings.json": settings_file(url=PAGE, forms={"footer": form}), **template("plain")}
    upload(shop, files)
    assert report(shop, "settings")["outcome"] == "refused"


WISHES = (
    "redirect",
    "redirect_uri",
    "redirect_url",
    "return",
    "return_to",
    "returnUrl",
    "next",
    "_next",
    "url",
    "uri",
    "to",
    "goto",
    "target",
    "dest",
    "destination",
    "continue",
    "success_url",
    "callback",
    "location",
    "r",
)


@pytest.mark.parametrize("name", WISHES)
def test_request_cannot_choose_redirect_target(shop: Shop, name: str) -> None:
    shop.settings(forms={"footer": {**FOOTER, "redirect": f"{PAGE}/thanks"}})
    evil = "https://evil.example/"
    contact = contact_id(shop.store, "email", EMAIL)
    wish = seal_preferences(
        PreferencesLink(shop.store, contact, f"{contact}-{'1' * 24}"), shop.links
    )
    headers = {
        "host": "evil.example",
        "referer": evil,
        "x-forwarded-host": "evil.example",
        "x-original-url": evil,
        "forwarded": "host=evil.example",
    }
    sign_up = form_post(shop, headers=headers, **{name: evil})
    asked = [
        (trigger_form, sign_up),
        (preferences, press(shop, wish, {"action": "snooze", name: evil})),
        (unsubscribe, press(shop, shop.token(contact), {"scope": "all", name: evil})),
        (unsubscribe, look(shop, shop.token(contact))),
    ]
    for handler, request in asked:
        request["queryStringParameters"] = {name: evil}
        request["rawQueryString"] = f"{name}={evil}"
        request["headers"] |= headers
        answer = handler(request, None)
        assert "evil.example" not in str(answer)
        assert answer["headers"].get("location") in {None, f"{PAGE}/thanks"}
