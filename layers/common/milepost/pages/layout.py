"""The layout of all pages: the frame, the style and the languages.

The pages meet WCAG AA: one heading, one landmark, a language and a direction, a label for every
input, a contrast of at least 4.5 in light and dark mode, a visible focus, targets of at least 44
pixels, and nothing that is wider than 320 pixels.
"""

from collections.abc import Mapping
from html import escape

from milepost.base.languages import choose, direction

Texts = Mapping[str, str]

LANGUAGES = ("en", "ar", "fa", "zh-Hant")


def supported_language(locale: str, texts: Mapping[str, Texts]) -> tuple[Texts, str]:
    """The texts of a page in the language that fits `locale` best, and that language."""
    language = "zh-Hant" if locale.startswith("zh") else choose(locale, texts, "en")
    return texts[language], language


def format_text(text: str, **names: str) -> str:
    """Fill names from data into a text. Names are escaped, and cannot change the direction of the
    text around them."""
    return text.format(**{key: f"<bdi>{escape(name)}</bdi>" for key, name in names.items()})


def page(locale: str, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{locale}" dir="{direction(locale)}"><head>'
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def notice(locale: str, title: str, *paragraphs: str) -> str:
    """A page with a title and paragraphs only."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return page(locale, title, f"<h1>{title}</h1>{body}")


def invalid_link_page() -> str:
    """The page for an invalid link. The language is unknown, and the page reveals nothing."""
    return notice(
        "en",
        "This link does not work",
        "It may have been cut in half on its way. "
        "Open the whole link from the e-mail, or answer the e-mail.",
    )


_STYLE = (
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1c1b19;--muted:#57534e;--line:#78716c;"
    "--act:#14532d;--on:#fff;--ok:#ecfdf5}"
    "@media (prefers-color-scheme:dark){:root{--bg:#161513;--fg:#f2efe9;--muted:#b5afa4;"
    "--line:#a8a29e;--act:#86efac;--on:#052e16;--ok:#052e16}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "font:1.125rem/1.6 system-ui,-apple-system,'Segoe UI',Vazirmatn,'Noto Sans Arabic',"
    "'PingFang TC','Microsoft JhengHei','Noto Sans TC',sans-serif;"
    "background:var(--bg);color:var(--fg);overflow-wrap:anywhere}"
    "main{width:100%;max-width:34rem;padding:2rem 1.25rem}"
    "h1{font-size:1.6rem;line-height:1.35;margin:0 0 .5em}p{margin:0 0 1em}"
    "form{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}"
    "form.stack{display:block;margin:0}"
    "section{border-top:1px solid var(--line);margin:1.75rem 0 0;padding:1.25rem 0 0}"
    "h2{font-size:1.125rem;line-height:1.4;margin:0 0 .5rem}"
    "fieldset{border:0;margin:0 0 1.5rem;padding:0;min-width:0}"
    "form.stack+form.stack{margin-top:2rem}"
    "legend{float:inline-start;width:100%;font-weight:700;font-size:1.125rem;padding:0;"
    "margin:0 0 .5rem}legend+*{clear:both}"
    "label{display:block}"
    ".pick{display:flex;gap:.75rem;align-items:center;min-height:2.75rem}"
    ".pick input{inline-size:1.4rem;block-size:1.4rem;flex:none;accent-color:var(--act);margin:0}"
    ".field{margin:0 0 1rem}.field:last-child{margin:0}"
    "select,input[type=date]{font:inherit;width:100%;min-height:2.75rem;padding:.45em .7em;"
    "margin-top:.25rem;color:var(--fg);background:var(--bg);border:1px solid var(--line);"
    "border-radius:.5em}"
    "button{font:inherit;min-height:2.75rem;padding:.5em 1.2em;border-radius:.5em;"
    "border:2px solid var(--act);background:var(--act);color:var(--on);cursor:pointer}"
    "button.quiet{background:transparent;color:inherit;border-color:currentColor}"
    ".go{margin-top:1.5rem}.field p{margin:0}.muted{color:var(--muted)}"
    "blockquote{margin:0 0 1em;padding-inline-start:1rem;"
    "border-inline-start:3px solid var(--line)}"
    ".said{background:var(--ok);border-inline-start:4px solid var(--act);"
    "padding:.75rem 1rem;margin:0 0 1rem;border-radius:.25rem}"
    ":is(button,input,select,a):focus-visible{outline:3px solid #2563eb;outline-offset:2px}"
    "@media (prefers-color-scheme:dark){:is(button,input,select,a):focus-visible"
    "{outline-color:#93c5fd}}"
)
