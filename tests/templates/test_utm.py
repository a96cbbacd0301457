"""UTM parameters: only on links to the store's own pages."""

from typing import Any

import pytest

from milepost.publishing.settings_file import SettingsFile
from milepost.sending.ses_events import from_ses
from milepost.stores.settings import StoreSettings
from milepost.templates.compile import compile_template
from milepost.templates.rendering import Rendered, Renderer
from milepost.templates.utm import add_utm, campaign_of, strip_utm
from milepost.templates.version import TemplateVersion
from tests.journeys.visits import visited, world_of
from tests.support.aws_events import sample
from tests.support.builders import send, settings

UTM = "utm_source=milepost&utm_medium=email&utm_campaign=cart&utm_content=first"
STORE = StoreSettings(url="https://shop.example/", origins=("https://blog.example:8443",))
CAMPAIGN = campaign_of(STORE, "cart", "first", "", "https://shop.example/mail")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://shop.example", f"https://shop.example?{UTM}"),
        ("https://www.shop.example/a", f"https://www.shop.example/a?{UTM}"),
        ("http://Shop.Example/a", f"http://Shop.Example/a?{UTM}"),
        ("https://blog.example:8443/a", f"https://blog.example:8443/a?{UTM}"),
        ("https://shop.example/a?b=1", f"https://shop.example/a?b=1&{UTM}"),
        ("https://shop.example/a?", f"https://shop.example/a?{UTM}"),
        ("https://shop.example/a#top?b", f"https://shop.example/a?{UTM}#top?b"),
    ],
)
def test_link_to_stores_pages_gets_utm_parameters(address: str, shown: str) -> None:
    assert CAMPAIGN
    assert add_utm(address, CAMPAIGN) == shown


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example/",
        "https://shop.example.evil.example/",
        "https://shop.examples/",
        "https://shop.example@evil.example/",
        "https://shop.example:444/",
        "https://my.shop.example/",
        "https://blog.example/",
        "https://shop.example/?utm_source=x&b=1",
        f"https://shop.example/?{UTM}",
        "mailto:a@shop.example",
        "tel:+1",
        "#",
        "",
        "https://shop.example/mail/v1/s/unsubscribe/token",
    ],
)
def test_other_address_stays_unchanged(address: str) -> None:
    assert CAMPAIGN
    assert add_utm(address, CAMPAIGN) == address


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example",
        "https://shop.example/a?b=1",
        "https://shop.example/a#top",
        "https://shop.example/a?b=1&c#top",
        "https://other.example/",
        "https://shop.example/?utm_source=x",
        "https://shop.example/?utm_source=x&utm_campaign=cart&utm_content=first2",
        "",
        "https://shop.example/xutm_source=x&utm_campaign=cart&utm_content=first",
    ],
)
def test_strip_utm_returns_link_of_template(address: str) -> None:
    assert CAMPAIGN
    assert strip_utm(add_utm(address, CAMPAIGN), "cart", "first", "") == address


def test_click_event_has_link_without_utm() -> None:
    event = sample("ses", "click")
    event["mail"]["tags"] |= {"workflow": ["cart"], "step": ["first"], "variant": ["long"]}
    event["click"]["link"] = f"https://shop.example/a?b=1&{UTM}.long#top"
    parsed = from_ses(event)
    assert parsed is not None
    assert parsed.report.link == "https://shop.example/a?b=1#top"


def rendered(body: str, text: str = "x", **event: Any) -> Rendered:
    files = {"subject.txt": "Hello", "body.html": body}
    made = compile_template("m", files | ({"body.txt": text} if text else {}), {}, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    context = {"event": event, "store": {"url": "https://shop.example/"}}
    return Renderer(made).render(context, "en", CAMPAIGN)


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("https://shop.example/sale", "https://shop.example/sale?{utm}"),
        (
            "https://shop.example/sale?a=1&amp;b=2#c",
            "https://shop.example/sale?a=1&amp;b=2&amp;{utm}#c",
        ),
        (
            "https://shop.example/p/{{ event.id }}#r{{ event.id }}",
            "https://shop.example/p/7%3F?{utm}#r7%3F",
        ),
        ("https://shop.example/?p={{ event.id }}", "https://shop.example/?p=7%3F&amp;{utm}"),
        ("{{ event.url }}", "https://shop.example/x?k=v&amp;{utm}#f"),
        ("{{ store.url }}sale", "https://shop.example/sale?{utm}"),
        ("{{ store.url }}sale?a#b", "https://shop.example/sale?a&amp;{utm}#b"),
        ("{{ event.url }}/y", "https://shop.example/x?k=v#f/y"),  # the value continues the fragment
        ("{{ event.url if event.url else store.url }}", "https://shop.example/x?k=v&amp;{utm}#f"),
        ("https://other.example/{{ event.id }}", "https://other.example/7%3F"),
        ("mailto:{{ event.mail }}", "mailto:a%40b.example"),
    ],
)
def test_links_get_utm_in_every_way_to_write_them(template: str, shown: str) -> None:
    mail = rendered(
        f'<a class="x" href="{template}">y</a><img src="{{{{ event.url }}}}" alt="">',
        id="7?",
        url="https://shop.example/x?k=v#f",
        mail="a@b.example",
    )
    expected = shown.replace("{utm}", UTM.replace("&", "&amp;"))
    assert f'href="{expected}"' in mail.html
    assert 'src="https://shop.example/x?k=v#f"' in mail.html  # an image is not a link


def test_links_of_derived_text_part_get_utm() -> None:
    body = (
        '<p><a href="https://shop.example/p/{{ event.id }}#a">one</a> '
        '<a href="{{ event.url }}">two</a> <a href="https://other.example/">three</a></p>'
    )
    mail = rendered(body, text="", id=7, url="https://shop.example/x")
    assert mail.text == (
        f"one: https://shop.example/p/7?{UTM}#a two: https://shop.example/x?{UTM} "
        "three: https://other.example/\n"
    )


def test_utm_names_workflow_step_and_variant() -> None:
    arms = [{"name": "long", "template": "plain"}, {"name": "no", "template": "plain", "weight": 0}]
    tried = {"id": "tried", "type": "send_email", "variants": arms}
    world = world_of(send("plain"), tried)
    visited(world)
    plain, arm = (mail.html for mail in world.mails)
    assert "/cart?utm_source=milepost&amp;utm_medium=email&amp;utm_campaign=visit&amp;" in plain
    assert "utm_content=plain" in plain
    assert "utm_content=tried.long" in arm


def test_store_can_change_or_disable_utm() -> None:
    def campaign(**utm_settings: Any) -> Any:
        file = SettingsFile.model_validate(settings(**utm_settings))
        document = file.model_dump(mode="json", exclude_none=True)
        return campaign_of(StoreSettings.from_json(document), "w", "s", "", "https://api.example")

    assert campaign(utm=False) is None
    query = campaign(utm={"source": "letters", "medium": "mail"}).query
    words = dict(pair.split("=") for pair in query.split("&"))
    assert words == {
        "utm_source": "letters",
        "utm_medium": "mail",
        "utm_campaign": "w",
        "utm_content": "s",
    }
    with pytest.raises(ValueError, match="utm"):
        campaign(utm={"source": "a b&c"})
