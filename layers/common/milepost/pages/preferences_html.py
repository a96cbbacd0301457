"""The HTML of the preferences page. Every section is a form with its own button."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from html import escape
from typing import Protocol

from milepost.base.dates import find_zone
from milepost.contacts.preferences import FREQUENCIES, MAX_DATE_AHEAD, Reminder, frequency
from milepost.contacts.profile import Profile
from milepost.pages.layout import Texts, format_text, page, supported_language
from milepost.pages.time_zones import PLACES
from milepost.stores.settings import StoreSettings

TEXTS: dict[str, Texts] = {
    "en": {
        "title": "Your e-mail preferences",
        "intro": "Choose what {store} sends you, and when.",
        "saved": "Saved. This counts from now on.",
        "snoozed": "You will get no marketing e-mails until {date}.",
        "resumed": "Your break is over. E-mails reach you again.",
        "unsubscribed": "You are unsubscribed from everything. {store} will send you no more "
        "marketing e-mails.",
        "moved": "Done. Your reminder follows the new date: {date}.",
        "bad_date": "Please choose a day from tomorrow on, within the next three years.",
        "topics": "What would you like to hear about?",
        "often": "How often?",
        "all": "Whenever there is something new",
        "weekly": "Once a week at most",
        "monthly": "Once a month at most",
        "language": "Language",
        "zone": "Time zone",
        "shop_time": "The shop’s own time",
        "save": "Save",
        "break": "Take a break",
        "break_text": "No marketing e-mails for thirty days. Your choices stay as they are.",
        "snooze": "Pause for thirty days",
        "until": "Your e-mails are paused until {date}.",
        "resume": "End the break",
        "reminders": "Your reminders",
        "hint": "Choose another day, and the reminder moves with it.",
        "now": "Planned for {date}",
        "move": "Move it",
        "stop": "Unsubscribe from everything",
        "stop_text": "E-mails about your orders will still reach you.",
    },
    "ar": {
        "title": "تفضيلات البريد الإلكتروني",
        "intro": "اختر ما يصلك من {store} ومتى يصلك.",
        "saved": "تم الحفظ، ويسري اختيارك من الآن.",
        "snoozed": "لن تصلك رسائل تسويقية حتى {date}.",
        "resumed": "انتهت فترة الإيقاف، وستصلك الرسائل من جديد.",
        "unsubscribed": "تم إلغاء اشتراكك في جميع الرسائل. لن يرسل إليك {store} أي رسائل تسويقية "
        "بعد الآن.",
        "moved": "تم التغيير. سيأتيك التذكير وفق الموعد الجديد: {date}.",
        "bad_date": "يُرجى اختيار يوم ابتداءً من الغد وخلال السنوات الثلاث القادمة.",
        "topics": "ما الذي تودّ أن يصلك؟",
        "often": "كم مرة نراسلك؟",
        "all": "كلما كان هناك جديد",
        "weekly": "مرة واحدة في الأسبوع على الأكثر",
        "monthly": "مرة واحدة في الشهر على الأكثر",
        "language": "اللغة",
        "zone": "المنطقة الزمنية",
        "shop_time": "توقيت المتجر",
        "save": "حفظ",
        "break": "خذ استراحة",
        "break_text": "لا رسائل تسويقية طوال ثلاثين يومًا، وتبقى اختياراتك كما هي.",
        "snooze": "إيقاف الرسائل ثلاثين يومًا",
        "until": "الرسائل متوقفة حتى {date}.",
        "resume": "استئناف الرسائل",
        "reminders": "تذكيراتك",
        "hint": "اختر يومًا آخر، وينتقل التذكير معه.",
        "now": "الموعد الحالي: {date}",
        "move": "تغيير الموعد",
        "stop": "إلغاء الاشتراك من جميع الرسائل",
        "stop_text": "ستظل تصلك الرسائل المتعلقة بطلباتك.",
    },
    "fa": {
        "title": "تنظیم ایمیل‌ها",
        "intro": "انتخاب کنید {store} چه چیزی و چه وقت برایتان بفرستد.",
        "saved": "ذخیره شد و از همین حالا اعمال می‌شود.",
        "snoozed": "تا {date} ایمیل تبلیغاتی برایتان فرستاده نمی‌شود.",
        "resumed": "وقفه تمام شد؛ ایمیل‌ها دوباره به دستتان می‌رسد.",
        "unsubscribed": "اشتراک همهٔ ایمیل‌ها لغو شد. {store} دیگر هیچ ایمیل تبلیغاتی برای شما "
        "نمی‌فرستد.",
        "moved": "انجام شد. یادآوری با تاریخ تازه هماهنگ شد: {date}.",
        "bad_date": "لطفاً روزی از فردا به بعد و تا سه سال آینده انتخاب کنید.",
        "topics": "دوست دارید دربارهٔ چه چیزهایی برایتان بنویسیم؟",
        "often": "هر چند وقت یک بار؟",
        "all": "هر وقت خبر تازه‌ای بود",
        "weekly": "حداکثر هفته‌ای یک بار",
        "monthly": "حداکثر ماهی یک بار",
        "language": "زبان",
        "zone": "منطقهٔ زمانی",
        "shop_time": "ساعت خود فروشگاه",
        "save": "ذخیره",
        "break": "کمی وقفه",
        "break_text": "سی روز ایمیل تبلیغاتی نمی‌فرستیم و انتخاب‌هایتان سر جایشان می‌مانند.",
        "snooze": "توقف ایمیل‌ها تا سی روز",
        "until": "ایمیل‌ها تا {date} متوقف است.",
        "resume": "از سر گرفتن ایمیل‌ها",
        "reminders": "یادآوری‌های شما",
        "hint": "روز دیگری انتخاب کنید تا یادآوری هم با آن جابه‌جا شود.",
        "now": "تاریخ فعلی: {date}",
        "move": "تغییر تاریخ",
        "stop": "لغو اشتراک همهٔ ایمیل‌ها",
        "stop_text": "ایمیل‌های مربوط به سفارش‌هایتان همچنان به دستتان می‌رسد.",
    },
    "zh-Hant": {
        "title": "郵件偏好設定",
        "intro": "由您決定 {store} 寄什麼、什麼時候寄。",
        "saved": "已儲存，立即生效。",
        "snoozed": "{date} 之前，您不會收到行銷郵件。",
        "resumed": "已恢復寄送郵件。",
        "unsubscribed": "您已取消訂閱所有郵件。{store} 將不再寄送任何行銷郵件給您。",
        "moved": "已更新，提醒將配合新的日期：{date}。",
        "bad_date": "請選擇明天起三年內的日期。",
        "topics": "您想收到哪些內容？",
        "often": "多久收到一次？",
        "all": "一有新消息就通知我",
        "weekly": "每週最多一封",
        "monthly": "每月最多一封",
        "language": "語言",
        "zone": "時區",
        "shop_time": "以商店當地時間為準",
        "save": "儲存",
        "break": "先休息一陣子",
        "break_text": "三十天內不寄行銷郵件，您的設定會保留。",
        "snooze": "暫停三十天",
        "until": "郵件暫停至 {date}。",
        "resume": "恢復寄送",
        "reminders": "您的提醒",
        "hint": "選擇其他日期，提醒也會隨之調整。",
        "now": "目前日期：{date}",
        "move": "更改日期",
        "stop": "取消訂閱所有郵件",
        "stop_text": "與訂單有關的郵件仍會寄給您。",
    },
}

NAMES = {
    "ar": "العربية", "bg": "Български", "ca": "Català", "cs": "Čeština", "da": "Dansk",
    "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "Español", "et": "Eesti",
    "fa": "فارسی", "fi": "Suomi", "fr": "Français", "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski",
    "hu": "Magyar", "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어",
    "lt": "Lietuvių", "lv": "Latviešu", "ms": "Bahasa Melayu", "nb": "Norsk bokmål",
    "nl": "Nederlands", "no": "Norsk", "pl": "Polski", "pt": "Português",
    "pt-BR": "Português (Brasil)", "ro": "Română", "ru": "Русский", "sk": "Slovenčina",
    "sl": "Slovenščina", "sr": "Српски", "sv": "Svenska", "th": "ไทย", "tr": "Türkçe",
    "uk": "Українська", "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文", "zh-CN": "简体中文",
    "zh-HK": "繁體中文（香港）", "zh-Hans": "简体中文", "zh-Hant": "繁體中文", "zh-TW": "繁體中文",
}  # fmt: skip
"""The languages' names for themselves, because a contact may not read the page's language."""


class PreferencesView(Protocol):
    """The data of the page; `said` and `day` describe the last change."""

    @property
    def profile(self) -> Profile: ...
    @property
    def settings(self) -> StoreSettings: ...
    @property
    def reminders(self) -> Sequence[Reminder]: ...
    @property
    def store_name(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def said(self) -> str: ...
    @property
    def day(self) -> str: ...


def preferences_page(
    view: PreferencesView, today: date, until: str, format_date: Callable[[str], str]
) -> str:
    """The page for `today`, in the contact's time zone. The snooze lasts `until` this day; empty if
    there is none. `written` formats a day in the contact's language."""
    texts, locale = supported_language(view.locale, TEXTS)
    parts = (
        f"<h1>{texts['title']}</h1>",
        _message(view, texts, format_date)
        or f"<p>{format_text(texts['intro'], store=view.store_name)}</p>",
        _reminders(view.reminders, texts, today, format_date),
        _choices(view, texts, locale),
        _break(texts, format_date(until) if until else ""),
        _section(
            texts["stop"],
            f'<p>{texts["stop_text"]}</p><button class="quiet" name="action" value="all">'
            f"{texts['stop']}</button>",
        ),
    )
    return page(locale, texts["title"], "".join(parts))


def _message(view: PreferencesView, texts: Texts, format_date: Callable[[str], str]) -> str:
    if view.said not in texts:
        return ""
    day = format_date(view.day) if view.day else ""
    message = format_text(texts[view.said], store=view.store_name, date=day)
    role = "alert" if view.said == "bad_date" else "status"
    return f'<p role="{role}" class="said">{message}</p>'


def _section(title: str, body: str) -> str:
    heading = f"<h2>{title}</h2>" if title else ""
    return f'<section>{heading}<form class="stack" method="post">{body}</form></section>'


def _reminders(
    reminders: Sequence[Reminder], texts: Texts, today: date, format_date: Callable[[str], str]
) -> str:
    """The reminders. The browser chooses the format of a date field, so the date is also written
    above it."""
    if not reminders:
        return ""
    first = today + timedelta(days=1)
    forms = (
        f'<form class="stack" method="post"><input type="hidden" name="reminder" '
        f'value="{escape(reminder.id)}"><div class="field">'
        f'<label for="date-{number}"><bdi>{escape(reminder.title)}</bdi></label>'
        '<p class="muted" '
        f'id="now-{number}">{format_text(texts["now"], date=format_date(reminder.date))}</p>'
        f'<input id="date-{number}" type="date" name="date" required '
        f'aria-describedby="now-{number}" '
        f'value="{escape(reminder.date)}" min="{first}" max="{first + MAX_DATE_AHEAD}">'
        f'</div><button name="action" value="move">{texts["move"]}</button></form>'
        for number, reminder in enumerate(reminders)
    )
    head = f"<section><h2>{texts['reminders']}</h2><p>{texts['hint']}</p>"
    return f"{head}{''.join(forms)}</section>"


def _choices(view: PreferencesView, texts: Texts, locale: str) -> str:
    """Topics, frequency, language and time zone, in one form that saves them together."""
    profile, settings = view.profile, view.settings
    topics = "".join(
        _pick(
            "checkbox",
            "topic",
            topic,
            settings.title_of(topic, view.locale),
            _wants(profile, topic),
        )
        + f'<input type="hidden" name="shown" value="{escape(topic)}">'
        for topic in settings.topics or {}
    )
    often = "".join(
        _pick("radio", "frequency", option, texts[option], option == frequency(profile))
        for option in FREQUENCIES
    )
    parts = []
    if topics:
        parts.append(f"<fieldset><legend>{texts['topics']}</legend>{topics}</fieldset>")
    parts.append(f"<fieldset><legend>{texts['often']}</legend>{often}</fieldset>")
    languages = [(each, NAMES.get(each, each)) for each in settings.locales]
    selects = _select("locale", texts["language"], languages, view.locale)
    zones = [("", texts["shop_time"]), *_zones(profile, locale)]
    selects += _select("timezone", texts["zone"], zones, profile.get("timezone") or "")
    parts.append(f"<fieldset>{selects}</fieldset>")
    parts.append(f'<p class="go"><button name="action" value="save">{texts["save"]}</button></p>')
    return _section("", "".join(parts))


def _break(texts: Texts, until: str) -> str:
    if until:
        text = format_text(texts["until"], date=until)
        button = f'<button name="action" value="resume">{texts["resume"]}</button>'
    else:
        text = texts["break_text"]
        button = f'<button class="quiet" name="action" value="snooze">{texts["snooze"]}</button>'
    return _section(texts["break"], f"<p>{text}</p>{button}")


def _wants(profile: Profile, topic: str) -> bool:
    consent = profile.consent.get(topic)
    return consent is not None and consent.state == "granted"


def _pick(kind: str, name: str, value: str, title: str, chosen: bool) -> str:
    return (
        f'<label class="pick"><input type="{kind}" name="{name}" value="{escape(value)}"'
        f"{' checked' if chosen else ''}> <bdi>{escape(title)}</bdi></label>"
    )


def _select(name: str, title: str, choices: Iterable[tuple[str, str]], chosen: str) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(label)}</option>"
        for value, label in choices
    )
    return (
        f'<div class="field"><label for="{name}">{title}</label>'
        f'<select id="{name}" name="{name}">{options}</select></div>'
    )


def _zones(profile: Profile, locale: str) -> list[tuple[str, str]]:
    zones = [(city.zone, city.name_in(locale)) for city in PLACES if find_zone(city.zone)]
    own = profile.get("timezone")
    if isinstance(own, str) and find_zone(own) and own not in {zone for zone, _ in zones}:
        zones.insert(0, (own, own.replace("_", " ")))
    return zones
