"""The cities from which contacts choose their time zone, from west to east, in each language.

A list of all four hundred zones would be too long. The page also offers the contact's current zone
if it is not here.
"""

from typing import Final, NamedTuple


class TimeZoneCity(NamedTuple):
    """A city and its time zone."""

    zone: str
    en: str
    ar: str
    fa: str
    zh: str

    def name_in(self, language: str) -> str:
        return {"ar": self.ar, "fa": self.fa, "zh-Hant": self.zh}.get(language, self.en)


PLACES: Final = (
    TimeZoneCity("Pacific/Honolulu", "Honolulu", "هونولولو", "هونولولو", "檀香山"),
    TimeZoneCity("America/Anchorage", "Anchorage", "أنكوراج", "انکوریج", "安克拉治"),
    TimeZoneCity("America/Los_Angeles", "Los Angeles", "لوس أنجلوس", "لس‌آنجلس", "洛杉磯"),
    TimeZoneCity("America/Denver", "Denver", "دنفر", "دنور", "丹佛"),
    TimeZoneCity("America/Phoenix", "Phoenix", "فينيكس", "فینیکس", "鳳凰城"),
    TimeZoneCity("America/Chicago", "Chicago", "شيكاغو", "شیکاگو", "芝加哥"),
    TimeZoneCity("America/Mexico_City", "Mexico City", "مكسيكو سيتي", "مکزیکوسیتی", "墨西哥市"),
    TimeZoneCity("America/New_York", "New York", "نيويورك", "نیویورک", "紐約"),
    TimeZoneCity("America/Toronto", "Toronto", "تورنتو", "تورنتو", "多倫多"),
    TimeZoneCity("America/Bogota", "Bogota", "بوغوتا", "بوگوتا", "波哥大"),
    TimeZoneCity("America/Lima", "Lima", "ليما", "لیما", "利馬"),
    TimeZoneCity("America/Santiago", "Santiago", "سانتياغو", "سانتیاگو", "聖地牙哥"),
    TimeZoneCity("America/Halifax", "Halifax", "هاليفاكس", "هلیفکس", "哈里法克斯"),
    TimeZoneCity("America/Caracas", "Caracas", "كاراكاس", "کاراکاس", "卡拉卡斯"),
    TimeZoneCity("America/Sao_Paulo", "Sao Paulo", "ساو باولو", "سائوپائولو", "聖保羅"),
    TimeZoneCity(
        "America/Argentina/Buenos_Aires",
        "Buenos Aires",
        "بوينس آيرس",
        "بوئنوس‌آیرس",
        "布宜諾斯艾利斯",
    ),
    TimeZoneCity("America/St_Johns", "St. John's", "سانت جونز", "سنت جانز", "聖約翰斯"),
    TimeZoneCity("Atlantic/Azores", "Azores", "جزر الأزور", "آزور", "亞速群島"),
    TimeZoneCity("Atlantic/Reykjavik", "Reykjavik", "ريكيافيك", "ریکیاویک", "雷克雅維克"),
    TimeZoneCity("Europe/London", "London", "لندن", "لندن", "倫敦"),
    TimeZoneCity("Europe/Dublin", "Dublin", "دبلن", "دوبلین", "都柏林"),
    TimeZoneCity("Europe/Lisbon", "Lisbon", "لشبونة", "لیسبون", "里斯本"),
    TimeZoneCity("Africa/Casablanca", "Casablanca", "الدار البيضاء", "کازابلانکا", "卡薩布蘭卡"),
    TimeZoneCity("Africa/Algiers", "Algiers", "الجزائر", "الجزیره", "阿爾及爾"),
    TimeZoneCity("Africa/Tunis", "Tunis", "تونس", "تونس", "突尼斯"),
    TimeZoneCity("Africa/Lagos", "Lagos", "لاغوس", "لاگوس", "拉哥斯"),
    TimeZoneCity("Europe/Madrid", "Madrid", "مدريد", "مادرید", "馬德里"),
    TimeZoneCity("Europe/Paris", "Paris", "باريس", "پاریس", "巴黎"),
    TimeZoneCity("Europe/Brussels", "Brussels", "بروكسل", "بروکسل", "布魯塞爾"),
    TimeZoneCity("Europe/Amsterdam", "Amsterdam", "أمستردام", "آمستردام", "阿姆斯特丹"),
    TimeZoneCity("Europe/Berlin", "Berlin", "برلين", "برلین", "柏林"),
    TimeZoneCity("Europe/Zurich", "Zurich", "زيورخ", "زوریخ", "蘇黎世"),
    TimeZoneCity("Europe/Rome", "Rome", "روما", "رم", "羅馬"),
    TimeZoneCity("Europe/Vienna", "Vienna", "فيينا", "وین", "維也納"),
    TimeZoneCity("Europe/Prague", "Prague", "براغ", "پراگ", "布拉格"),
    TimeZoneCity("Europe/Warsaw", "Warsaw", "وارسو", "ورشو", "華沙"),
    TimeZoneCity("Europe/Copenhagen", "Copenhagen", "كوبنهاغن", "کپنهاگ", "哥本哈根"),
    TimeZoneCity("Europe/Oslo", "Oslo", "أوسلو", "اسلو", "奧斯陸"),
    TimeZoneCity("Europe/Stockholm", "Stockholm", "ستوكهولم", "استکهلم", "斯德哥爾摩"),
    TimeZoneCity("Europe/Athens", "Athens", "أثينا", "آتن", "雅典"),
    TimeZoneCity("Europe/Bucharest", "Bucharest", "بوخارست", "بخارست", "布加勒斯特"),
    TimeZoneCity("Europe/Helsinki", "Helsinki", "هلسنكي", "هلسینکی", "赫爾辛基"),
    TimeZoneCity("Europe/Kyiv", "Kyiv", "كييف", "کی‌یف", "基輔"),
    TimeZoneCity("Africa/Cairo", "Cairo", "القاهرة", "قاهره", "開羅"),
    TimeZoneCity("Africa/Johannesburg", "Johannesburg", "جوهانسبرغ", "ژوهانسبورگ", "約翰尼斯堡"),
    TimeZoneCity("Asia/Beirut", "Beirut", "بيروت", "بیروت", "貝魯特"),
    TimeZoneCity("Asia/Jerusalem", "Jerusalem", "القدس", "قدس", "耶路撒冷"),
    TimeZoneCity("Asia/Amman", "Amman", "عمّان", "عَمان", "安曼"),
    TimeZoneCity("Asia/Damascus", "Damascus", "دمشق", "دمشق", "大馬士革"),
    TimeZoneCity("Europe/Istanbul", "Istanbul", "إسطنبول", "استانبول", "伊斯坦堡"),
    TimeZoneCity("Europe/Moscow", "Moscow", "موسكو", "مسکو", "莫斯科"),
    TimeZoneCity("Asia/Baghdad", "Baghdad", "بغداد", "بغداد", "巴格達"),
    TimeZoneCity("Asia/Kuwait", "Kuwait", "الكويت", "کویت", "科威特"),
    TimeZoneCity("Asia/Riyadh", "Riyadh", "الرياض", "ریاض", "利雅德"),
    TimeZoneCity("Asia/Qatar", "Qatar", "قطر", "قطر", "卡達"),
    TimeZoneCity("Asia/Bahrain", "Bahrain", "البحرين", "بحرین", "巴林"),
    TimeZoneCity("Africa/Nairobi", "Nairobi", "نيروبي", "نایروبی", "奈洛比"),
    TimeZoneCity("Asia/Tehran", "Tehran", "طهران", "تهران", "德黑蘭"),
    TimeZoneCity("Asia/Dubai", "Dubai", "دبي", "دبی", "杜拜"),
    TimeZoneCity("Asia/Muscat", "Muscat", "مسقط", "مسقط", "馬斯開特"),
    TimeZoneCity("Asia/Baku", "Baku", "باكو", "باکو", "巴庫"),
    TimeZoneCity("Asia/Kabul", "Kabul", "كابول", "کابل", "喀布爾"),
    TimeZoneCity("Asia/Karachi", "Karachi", "كراتشي", "کراچی", "喀拉蚩"),
    TimeZoneCity("Asia/Tashkent", "Tashkent", "طشقند", "تاشکند", "塔什干"),
    TimeZoneCity("Asia/Kolkata", "Delhi", "نيودلهي", "دهلی نو", "新德里"),
    TimeZoneCity("Asia/Kathmandu", "Kathmandu", "كاتماندو", "کاتماندو", "加德滿都"),
    TimeZoneCity("Asia/Dhaka", "Dhaka", "دكا", "داکا", "達卡"),
    TimeZoneCity("Asia/Yangon", "Yangon", "يانغون", "یانگون", "仰光"),
    TimeZoneCity("Asia/Bangkok", "Bangkok", "بانكوك", "بانکوک", "曼谷"),
    TimeZoneCity("Asia/Jakarta", "Jakarta", "جاكرتا", "جاکارتا", "雅加達"),
    TimeZoneCity("Asia/Ho_Chi_Minh", "Ho Chi Minh City", "هوشي منه", "هوشی‌مین", "胡志明市"),
    TimeZoneCity("Asia/Shanghai", "Shanghai", "شنغهاي", "شانگهای", "上海"),
    TimeZoneCity("Asia/Hong_Kong", "Hong Kong", "هونغ كونغ", "هنگ‌کنگ", "香港"),
    TimeZoneCity("Asia/Macau", "Macao", "ماكاو", "ماکائو", "澳門"),
    TimeZoneCity("Asia/Taipei", "Taipei", "تايبيه", "تایپه", "台北"),
    TimeZoneCity("Asia/Singapore", "Singapore", "سنغافورة", "سنگاپور", "新加坡"),
    TimeZoneCity("Asia/Kuala_Lumpur", "Kuala Lumpur", "كوالا لامبور", "کوالالامپور", "吉隆坡"),
    TimeZoneCity("Asia/Manila", "Manila", "مانيلا", "مانیل", "馬尼拉"),
    TimeZoneCity("Australia/Perth", "Perth", "بيرث", "پرت", "伯斯"),
    TimeZoneCity("Asia/Seoul", "Seoul", "سول", "سئول", "首爾"),
    TimeZoneCity("Asia/Tokyo", "Tokyo", "طوكيو", "توکیو", "東京"),
    TimeZoneCity("Australia/Adelaide", "Adelaide", "أديلايد", "آدلاید", "阿得雷德"),
    TimeZoneCity("Australia/Brisbane", "Brisbane", "بريزبن", "بریزبن", "布里斯本"),
    TimeZoneCity("Australia/Sydney", "Sydney", "سيدني", "سیدنی", "雪梨"),
    TimeZoneCity("Pacific/Auckland", "Auckland", "أوكلاند", "اوکلند", "奧克蘭"),
)
