"""The page for an e-mail that is no longer shown."""

from milepost.pages.layout import format_text, notice, supported_language

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "gone": "This e-mail is not shown any more",
        "why": "{store} shows an e-mail here for 90 days, and only while it concerns the "
        "address it was sent to.",
    },
    "ar": {
        "gone": "لم تعد هذه الرسالة معروضة",
        "why": "يعرض {store} الرسالة هنا لمدة ٩٠ يومًا، وما دامت تخصّ العنوان الذي أُرسلت إليه.",
    },
    "fa": {
        "gone": "این ایمیل دیگر نمایش داده نمی‌شود",
        "why": "{store} هر ایمیل را ۹۰ روز اینجا نشان می‌دهد، و تنها تا وقتی که به نشانی "
        "گیرنده‌اش مربوط است.",
    },
    "zh-Hant": {
        "gone": "這封郵件已不再顯示",
        "why": "{store} 在此顯示郵件 90 天，且僅限於郵件仍屬於原收件地址的期間。",
    },
}


def unavailable_page(locale: str, store: str) -> str:
    """The same page for every reason, so that it reveals nothing about the contact."""
    texts, language = supported_language(locale, TEXTS)
    return notice(language, texts["gone"], format_text(texts["why"], store=store))
