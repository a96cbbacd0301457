"""The HTML pages of sign-up forms and of the confirmation link."""

from html import escape
from typing import Protocol

from milepost.pages.layout import Texts, format_text, notice, page, supported_language

TEXTS: dict[str, Texts] = {
    "en": {
        "check": "Almost there",
        "check_text": "If the address is right, an e-mail is on its way to you. Press the button "
        "in it to finish signing up.",
        "thanks": "Thank you",
        "thanks_text": "Your sign-up has reached {store}.",
        "confirm": "Confirm your sign-up",
        "confirm_text": "Press the button, and {store} will write to you.",
        "agree": "By pressing it you agree to this:",
        "yes": "Yes, sign me up",
        "not_me": "Was it not you? Just close this page, and you will get no e-mails.",
        "done": "You are signed up",
        "done_text": "Thank you. Every e-mail from {store} has a link to unsubscribe, for "
        "whenever you like.",
        "late": "This link has expired",
        "late_text": "A link works for seven days. Sign up once more at {store}, and we will send "
        "you a new one.",
        "wrong": "Please check what you wrote",
        "bad_email": "This does not look like an e-mail address.",
        "required": "Please fill in every field that is required.",
        "bad_field": "One of the answers cannot be read.",
        "back": "Go back to the form and try again.",
        "many": "That was a lot at once",
        "many_text": "Many sign-ups have come from your connection. Please try again in an hour.",
    },
    "ar": {
        "check": "بقيت خطوة واحدة",
        "check_text": "إذا كان العنوان صحيحًا فستصلك رسالة خلال لحظات. اضغط على الزر الذي فيها "
        "لإتمام اشتراكك.",
        "thanks": "شكرًا لك",
        "thanks_text": "وصل طلب اشتراكك إلى {store}.",
        "confirm": "تأكيد الاشتراك",
        "confirm_text": "اضغط على الزر لتبدأ رسائل {store} في الوصول إليك.",
        "agree": "بالضغط عليه فإنك توافق على ما يلي:",
        "yes": "نعم، أريد الاشتراك",
        "not_me": "لم تطلب ذلك؟ أغلق هذه الصفحة ولن تصلك أي رسالة.",
        "done": "تم تأكيد اشتراكك",
        "done_text": "شكرًا لك. ستجد في كل رسالة من {store} رابطًا لإلغاء الاشتراك متى شئت.",
        "late": "انتهت صلاحية هذا الرابط",
        "late_text": "يبقى الرابط صالحًا سبعة أيام. سجّل مرة أخرى لدى {store} لنرسل إليك رابطًا "
        "جديدًا.",
        "wrong": "يُرجى مراجعة ما كتبته",
        "bad_email": "لا يبدو هذا عنوان بريد إلكتروني صحيحًا.",
        "required": "يُرجى ملء جميع الحقول المطلوبة.",
        "bad_field": "تعذّرت قراءة إحدى الإجابات.",
        "back": "عُد إلى النموذج وحاول مرة أخرى.",
        "many": "محاولات كثيرة في وقت قصير",
        "many_text": "وصلتنا طلبات اشتراك كثيرة من شبكتك. يُرجى المحاولة مرة أخرى بعد ساعة.",
    },
    "fa": {
        "check": "فقط یک قدم مانده",
        "check_text": "اگر نشانی را درست نوشته باشید، تا چند لحظهٔ دیگر ایمیلی به دستتان می‌رسد. "
        "برای تکمیل اشتراک، دکمهٔ داخل آن را بزنید.",
        "thanks": "سپاسگزاریم",
        "thanks_text": "درخواست اشتراک شما به {store} رسید.",
        "confirm": "تأیید اشتراک",
        "confirm_text": "دکمه را بزنید تا ایمیل‌های {store} برایتان فرستاده شود.",
        "agree": "با زدن دکمه، این متن را می‌پذیرید:",
        "yes": "بله، مشترک می‌شوم",
        "not_me": "این درخواست از طرف شما نبوده؟ کافی است این صفحه را ببندید؛ ایمیلی برایتان "
        "فرستاده نمی‌شود.",
        "done": "اشتراک شما تأیید شد",
        "done_text": "سپاسگزاریم. هر وقت خواستید، با پیوندی که در همهٔ ایمیل‌های {store} هست "
        "می‌توانید اشتراکتان را لغو کنید.",
        "late": "این پیوند منقضی شده است",
        "late_text": "هر پیوند هفت روز اعتبار دارد. یک بار دیگر در {store} ثبت‌نام کنید تا پیوند "
        "تازه‌ای برایتان بفرستیم.",
        "wrong": "لطفاً نوشته‌هایتان را بررسی کنید",
        "bad_email": "این نشانی ایمیل درست به نظر نمی‌رسد.",
        "required": "لطفاً همهٔ خانه‌های لازم را پر کنید.",
        "bad_field": "یکی از پاسخ‌ها خوانده نشد.",
        "back": "به فرم برگردید و دوباره تلاش کنید.",
        "many": "درخواست‌ها زیاد بود",
        "many_text": "از شبکهٔ شما درخواست‌های زیادی رسیده است. لطفاً یک ساعت دیگر دوباره تلاش کنید.",
    },
    "zh-Hant": {
        "check": "還差一步",
        "check_text": "如果電子郵件地址無誤，您很快就會收到一封信。請按下信中的按鈕，完成訂閱。",
        "thanks": "感謝您",
        "thanks_text": "{store} 已收到您的訂閱申請。",
        "confirm": "確認訂閱",
        "confirm_text": "按下按鈕後，{store} 就會開始寄送郵件給您。",
        "agree": "按下按鈕即表示您同意：",
        "yes": "是的，我要訂閱",
        "not_me": "不是您本人申請的嗎？關閉此頁即可，您不會收到任何郵件。",
        "done": "訂閱完成",
        "done_text": "謝謝您。{store} 的每封郵件都附有取消訂閱的連結，您隨時可以取消。",
        "late": "連結已過期",
        "late_text": "連結的有效期限為七天。請回到 {store} 重新訂閱，我們會再寄一個新的連結給您。",
        "wrong": "請檢查您填寫的內容",
        "bad_email": "這看起來不是有效的電子郵件地址。",
        "required": "請填寫所有必填欄位。",
        "bad_field": "有一項內容無法辨識。",
        "back": "請返回表單，再試一次。",
        "many": "申請次數過多",
        "many_text": "來自您網路的訂閱申請過多，請於一小時後再試。",
    },
}


class ConfirmationText(Protocol):
    """The data of a confirmation page."""

    @property
    def store_name(self) -> str: ...
    @property
    def consent_text(self) -> str: ...
    @property
    def locale(self) -> str: ...


def received_page(locale: str, store: str, double_opt_in: bool) -> str:
    """The page after a sign-up. It is the same for every address, known or not."""
    texts, locale = supported_language(locale, TEXTS)
    kind = "check" if double_opt_in else "thanks"
    return notice(locale, texts[kind], format_text(texts[f"{kind}_text"], store=store))


def wrong_page(locale: str, code: str) -> str:
    texts, locale = supported_language(locale, TEXTS)
    return notice(locale, texts["wrong"], texts[code], texts["back"])


def rate_limited_page(locale: str) -> str:
    texts, locale = supported_language(locale, TEXTS)
    return notice(locale, texts["many"], texts["many_text"])


def confirm_page(view: ConfirmationText) -> str:
    """A page with a button: link scanners follow every link, so a GET must change nothing."""
    texts, locale = supported_language(view.locale, TEXTS)
    consent = ""
    if view.consent_text:
        quote = f"<blockquote><bdi>{escape(view.consent_text)}</bdi></blockquote>"
        consent = f"<p>{texts['agree']}</p>{quote}"
    body = (
        f"<h1>{texts['confirm']}</h1>"
        f"<p>{format_text(texts['confirm_text'], store=view.store_name)}</p>{consent}"
        f'<form method="post"><button name="action" value="confirm">{texts["yes"]}</button></form>'
        f'<p class="go muted">{texts["not_me"]}</p>'
    )
    return page(locale, texts["confirm"], body)


def confirmed_page(view: ConfirmationText) -> str:
    texts, locale = supported_language(view.locale, TEXTS)
    return notice(locale, texts["done"], format_text(texts["done_text"], store=view.store_name))


def expired_page(view: ConfirmationText) -> str:
    texts, locale = supported_language(view.locale, TEXTS)
    return notice(locale, texts["late"], format_text(texts["late_text"], store=view.store_name))
