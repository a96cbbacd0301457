"""What rendering one e-mail costs, compared with Jinja2 alone with the same template and values.

The e-mail is the shipped reminder of a cart of eight products, with text added up to 30 KB. Jinja2
alone renders the same sources that publish made, all four parts, in an environment without a
sandbox: it escapes values and formats money like ours, but counts, checks, isolates and marks
nothing.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from bench import REPOSITORY
from milepost.stores.settings import StoreSettings
from milepost.templates import formats
from milepost.templates.compile import compile_template
from milepost.templates.rendering import Renderer
from milepost.templates.utm import campaign_of
from milepost.templates.version import TemplateVersion

ROUNDS, CALLS = 15, 60
BYTES = 30 * 1024
_FOLDER = REPOSITORY / "workflows" / "templates"


def measure_rendering() -> dict[str, float]:
    """CPU ms for one e-mail with ours and with Jinja2 alone (medians), and the median ratio."""
    version, context = _template(), _context()
    renderer = Renderer(version)
    campaign = campaign_of(_STORE, "abandoned-cart", "reminder", "", "https://api.example")
    bare = _bare(version, context)
    mail = renderer.render(context, "en", campaign)
    assert BYTES * 0.95 < len(mail.html) < BYTES * 1.1, len(mail.html)
    times = [
        (_cpu(lambda: renderer.render(context, "en", campaign)), _cpu(bare)) for _ in range(ROUNDS)
    ]
    return {
        "html_bytes": len(mail.html.encode()),
        "ours_ms": round(statistics.median(ours for ours, _ in times), 3),
        "jinja2_ms": round(statistics.median(theirs for _, theirs in times), 3),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in times), 3),
    }


def _cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return 1000 * (time.process_time() - began) / CALLS


def _template() -> TemplateVersion:
    """The reminder with enough added text to make its HTML about 30 KB."""
    files, layout = _texts("abandoned-cart/reminder"), _texts("_layout")
    words = (
        "<mj-text>"
        + "Whatever called you away, we kept everything as it was. " * 142
        + "</mj-text>"
    )
    cart = layout["cart.mjml"]
    layout["cart.mjml"] = cart.replace(
        '{% include "products.mjml" %}', f'{words}{{% include "products.mjml" %}}'
    )
    made = compile_template("abandoned-cart/reminder", files, layout, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    return made


def _texts(folder: str) -> dict[str, str]:
    return {f.name: f.read_text("utf-8") for f in (_FOLDER / folder).iterdir() if f.is_file()}


_STORE = StoreSettings(url="https://shop.example.com/")


def _context() -> dict[str, Any]:
    products = [
        {
            "product_id": f"84129077355128{n}",
            "sku": f"HLG-{n}",
            "name": f"Saltmarsh Throw {n}",
            "variant": "Moss / 130 x 170",
            "price": 39.5,
            "quantity": n,
            "url": f"https://shop.example.com/products/{n}",
            "image_url": f"https://cdn.example.com/images/products/{n}/front-large.jpg",
        }
        for n in range(1, 9)
    ]
    reader = "https://api.example/v1/north"
    return {
        "contact": {"first_name": "Noor", "email": "noor@example.com", "locale": "en"},
        "event": {
            "name": "Checkout Started",
            "currency": "USD",
            "total": 592.5,
            "checkout_url": "https://shop.example.com/c",
            "products": products,
        },
        "store": {
            "name": "Harbor & Pine",
            "url": "https://shop.example.com/",
            "logo_url": "",
            "postal_address": "12 Quay Street, Portland",
            "currency": "USD",
        },
        "urls": {
            kind: f"{reader}/{kind}/{'t' * 130}"
            for kind in ("unsubscribe", "preferences", "view", "shop")
        },
        "steps": {},
        "enrollment": {"id": "e1", "workflow": "abandoned-cart"},
        "now": "2026-11-22T22:00:00.000Z",
    }


def _bare(version: TemplateVersion, context: dict[str, Any]) -> Callable[[], list[str]]:
    def same(value: Any) -> Any:
        return value

    def nothing(_: Any) -> str:
        return ""

    @pass_context
    def money(context: Context, value: Any, currency: Any = None) -> str:
        return formats.money(value, currency or context["store"]["currency"], "en")

    templates = []
    for part, source in version.variant("en").sources.items():
        environment = Environment(autoescape=part == "html")
        shown = ("html", "attribute", "plain")
        environment.filters |= {f"_{kind}_ltr": same for kind in shown}
        environment.filters |= dict.fromkeys(("_link", "_link_part", "_visit", "_style"), same)
        environment.filters |= {"_mark": nothing, "number": str, "money": money}
        templates.append(environment.from_string(source))
    values = {**context, "lang": "en", "dir": "ltr", "start": "left", "end": "right"}
    return lambda: [template.render(values) for template in templates]


if __name__ == "__main__":
    sys.stdout.write(f"{measure_rendering()}\n")
