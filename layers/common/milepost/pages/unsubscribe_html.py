"""The HTML pages of an unsubscribe link."""

from typing import Protocol

from milepost.pages.layout import format_text, notice, page, supported_language


class UnsubscribeView(Protocol):
    """The data of an unsubscribe page."""

    @property
    def store_name(self) -> str: ...
    @property
    def topic_title(self) -> str: ...
    @property
    def locale(self) -> str: ...


TEXTS: dict[str, dict[str, str]] = {
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


def question_page(view: UnsubscribeView) -> str:
    """A page with buttons: link scanners follow every link, so a GET must change nothing."""
    texts, locale = supported_language(view.locale, TEXTS)
    body = (
        f"<h1>{texts['question']}</h1><p>{_fill(texts['explain'], view)}</p>"
        f'<form method="post"><button name="scope" value="topic">{texts["topic"]}</button>'
        f'<button class="quiet" name="scope" value="all">{texts["all"]}</button></form>'
    )
    return page(locale, texts["question"], body)


def done_page(view: UnsubscribeView, scope: str) -> str:
    texts, locale = supported_language(view.locale, TEXTS)
    text = _fill(texts["done_all" if scope == "all" else "done_topic"], view)
    return notice(locale, texts["done"], text)


def _fill(text: str, view: UnsubscribeView) -> str:
    return format_text(text, store=view.store_name, topic=view.topic_title)
