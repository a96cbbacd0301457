"""One page that shows an e-mail in all languages: on phone and desktop, in light and dark."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from milepost.base import languages
from milepost.templates.rendering import html_size
from milepost_tools.preview.preview import Preview

PHONE, DESKTOP = 375, 720
_HEIGHT = 900
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width: 0px)", "(max-width: 0px)"
_POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; font-src https:"
)

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 24px; background: #f2f2f2; color: #1b1b1b; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 0 0 8px; }
.languages, .views { display: flex; gap: 24px; align-items: flex-start; overflow-x: auto; }
.language { background: #fff; border-radius: 12px; padding: 20px; flex: none; }
figure { margin: 0; } figcaption { color: #5c5c5c; margin: 12px 0 6px; }
iframe { background: #fff; }
iframe.dark { background: #121212; }
pre { white-space: pre-wrap; max-width: 720px; padding: 12px; }
pre, iframe { border: 1px solid #ccc; border-radius: 8px; }
dt { color: #5c5c5c; } dd { margin: 0 0 8px; font-weight: 600; }
.wrong { color: #a4161a; } .advice { color: #6b4e00; }
@media (prefers-color-scheme: dark) {
  body { background: #191919; color: #eee; } .language { background: #242424; }
  figcaption, dt { color: #aaa; } .wrong { color: #ff8a8a; } .advice { color: #f0c674; }
}
"""


def index_page(template: str, previews: Sequence[Preview]) -> str:
    """The whole page in one file. It runs no script: frames are sandboxed, and the policy forbids
    scripts."""
    body = "".join(line for each in previews for line in _language(each))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(template)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(template)}</h1><p>Light and dark follow the styles of the mail itself; "
        "programs that change colors on their own may show something else.</p>"
        f'<main class="languages">{body}</main></body></html>\n'
    )


def in_scheme(html: str, dark: bool) -> str:
    """Fix an e-mail's light or dark styles, whatever the machine prefers."""
    chosen = "dark" if dark else "light"
    return _SCHEME.sub(lambda found: _ALWAYS if found[1].lower() == chosen else _NEVER, html)


def _language(preview: Preview) -> Iterator[str]:
    locale = escape(preview.locale)
    yield f'<section class="language" aria-label="{locale}"><h2>{locale}</h2>'
    for remark in preview.remarks:
        kind = "wrong" if remark.wrong else "advice"
        yield f'<p class="{kind}">{escape(str(remark.problem))}</p>'
    mail = preview.mail
    if mail is not None:
        direction = languages.direction(preview.locale)
        size = html_size(mail.html) / 1024
        yield f'<dl><dt>Subject</dt><dd dir="{direction}">{escape(mail.subject)}</dd>'
        yield f'<dt>Preheader</dt><dd dir="{direction}">{escape(mail.preheader)}</dd>'
        yield f"<dt>Size</dt><dd>{size:.1f} KB of 102 KB</dd></dl>"
        for dark in (False, True):
            yield '<div class="views">'
            for name, width in (("phone", PHONE), ("desk", DESKTOP)):
                yield _frame(in_scheme(mail.html, dark), name, width, dark)
            yield "</div>"
        yield f'<figure><figcaption>text part</figcaption><pre dir="{direction}">'
        yield f"{escape(mail.text)}</pre></figure>"
    yield "</section>"


def _frame(html: str, name: str, width: int, dark: bool) -> str:
    scheme = "dark" if dark else "light"
    return (
        f"<figure><figcaption>{name}, {scheme}</figcaption>"
        f'<iframe sandbox class="{scheme}" title="{name}, {scheme}" width="{width}" '
        f'height="{_HEIGHT}" style="color-scheme: {scheme}" srcdoc="{escape(html)}"></iframe>'
        "</figure>"
    )
