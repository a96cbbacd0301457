"""The pages a reader's link leads to: plain HTML, no script, in the reader's language."""

from html import escape
from typing import Protocol

from milepost.domain.languages import choose, direction


class Opened(Protocol):
    """What a page says: whose mail, and about what."""

    @property
    def store_name(self) -> str: ...
    @property
    def topic_title(self) -> str: ...
    @property
    def locale(self) -> str: ...


_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "question": "Stop these e-mails?",
        "explain": "You will get no more e-mails about {topic} from {store}.",
        "topic": "Unsubscribe",
        "all": "Unsubscribe from everything",
        "done": "You are unsubscribed",
        "done_topic": "{store} will send you no more e-mails about {topic}.",
        "done_all": "{store} will send you no more marketing e-mails.",
    },
    "ar": {
        "question": "هل تريد إيقاف هذه الرسائل؟",
        "explain": "لن تصلك بعد الآن رسائل من {store} حول {topic}.",
        "topic": "إلغاء الاشتراك",
        "all": "إلغاء الاشتراك من جميع الرسائل",
        "done": "تم إلغاء اشتراكك",
        "done_topic": "لن يرسل إليك {store} رسائل حول {topic} بعد الآن.",
        "done_all": "لن يرسل إليك {store} أي رسائل تسويقية بعد الآن.",
    },
    "fa": {
        "question": "این ایمیل‌ها متوقف شوند؟",
        "explain": "دیگر ایمیلی دربارهٔ {topic} از {store} دریافت نخواهید کرد.",
        "topic": "لغو اشتراک",
        "all": "لغو اشتراک همهٔ ایمیل‌ها",
        "done": "اشتراک شما لغو شد",
        "done_topic": "{store} دیگر ایمیلی دربارهٔ {topic} برای شما نمی‌فرستد.",
        "done_all": "{store} دیگر هیچ ایمیل تبلیغاتی برای شما نمی‌فرستد.",
    },
    "zh-Hant": {
        "question": "要停止接收這些郵件嗎？",
        "explain": "您將不再收到 {store} 關於「{topic}」的郵件。",
        "topic": "取消訂閱",
        "all": "取消訂閱所有郵件",
        "done": "您已取消訂閱",
        "done_topic": "{store} 將不再寄送關於「{topic}」的郵件給您。",
        "done_all": "{store} 將不再寄送任何行銷郵件給您。",
    },
}


def question_page(opened: Opened) -> str:
    """Asks before it acts: scanners follow every link, so a GET must change nothing."""
    texts, locale = _texts(opened.locale)
    body = (
        f"<h1>{texts['question']}</h1><p>{_say(texts['explain'], opened)}</p>"
        f'<form method="post"><button name="scope" value="topic">{texts["topic"]}</button>'
        f'<button class="quiet" name="scope" value="all">{texts["all"]}</button></form>'
    )
    return _page(locale, texts["question"], body)


def done_page(opened: Opened, scope: str) -> str:
    texts, locale = _texts(opened.locale)
    said = _say(texts["done_all" if scope == "all" else "done_topic"], opened)
    return _page(locale, texts["done"], f"<h1>{texts['done']}</h1><p>{said}</p>")


def stale_page() -> str:
    """For every link that is not ours: nobody's language is known, and nothing is given away."""
    return _page(
        "en",
        "This link does not work",
        "<h1>This link does not work</h1><p>It may have been cut in half on its way. "
        "Open the whole link from the e-mail, or answer the e-mail.</p>",
    )


def _texts(locale: str) -> tuple[dict[str, str], str]:
    language = "zh-Hant" if locale.startswith("zh") else choose(locale, _TEXTS, "en")
    return _TEXTS[language], language


def _say(text: str, opened: Opened) -> str:
    store, topic = (f"<bdi>{escape(t)}</bdi>" for t in (opened.store_name, opened.topic_title))
    return text.format(store=store, topic=topic)


def _page(locale: str, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{locale}" dir="{direction(locale)}"><head>'
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


_STYLE = (
    ":root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "font:1.125rem/1.6 system-ui,sans-serif;background:Canvas;color:CanvasText}"
    "main{max-width:32rem;padding:2rem}h1{font-size:1.6rem;line-height:1.3;margin:0 0 .5em}"
    "form{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}"
    "button{font:inherit;padding:.6em 1.2em;border-radius:.5em;border:2px solid #14532d;"
    "background:#14532d;color:#fff;cursor:pointer}"
    "button.quiet{background:transparent;color:inherit;border-color:currentColor}"
    "button:focus-visible{outline:3px solid #2563eb;outline-offset:2px}"
)
