"""The places by which readers tell their time zone, west to east, as they are called at home.

A list of all four hundred zones would help nobody. A zone that is known and not here is offered
too.
"""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A city and its zone."""

    zone: str
    en: str
    ar: str
    fa: str
    zh: str

    def called(self, language: str) -> str:
        return {"ar": self.ar, "fa": self.fa, "zh-Hant": self.zh}.get(language, self.en)


PLACES: Final = (
    Place("Pacific/Honolulu", "Honolulu", "هونولولو", "هونولولو", "檀香山"),
    Place("America/Anchorage", "Anchorage", "أنكوراج", "انکوریج", "安克拉治"),
    Place("America/Los_Angeles", "Los Angeles", "لوس أنجلوس", "لس‌آنجلس", "洛杉磯"),
    Place("America/Denver", "Denver", "دنفر", "دنور", "丹佛"),
    Place("America/Phoenix", "Phoenix", "فينيكس", "فینیکس", "鳳凰城"),
    Place("America/Chicago", "Chicago", "شيكاغو", "شیکاگو", "芝加哥"),
    Place("America/Mexico_City", "Mexico City", "مكسيكو سيتي", "مکزیکوسیتی", "墨西哥市"),
    Place("America/New_York", "New York", "نيويورك", "نیویورک", "紐約"),
    Place("America/Toronto", "Toronto", "تورنتو", "تورنتو", "多倫多"),
    Place("America/Bogota", "Bogota", "بوغوتا", "بوگوتا", "波哥大"),
    Place("America/Lima", "Lima", "ليما", "لیما", "利馬"),
    Place("America/Santiago", "Santiago", "سانتياغو", "سانتیاگو", "聖地牙哥"),
    Place("America/Halifax", "Halifax", "هاليفاكس", "هلیفکس", "哈里法克斯"),
    Place("America/Caracas", "Caracas", "كاراكاس", "کاراکاس", "卡拉卡斯"),
    Place("America/Sao_Paulo", "Sao Paulo", "ساو باولو", "سائوپائولو", "聖保羅"),
    Place(
        "America/Argentina/Buenos_Aires",
        "Buenos Aires",
        "بوينس آيرس",
        "بوئنوس‌آیرس",
        "布宜諾斯艾利斯",
    ),
    Place("America/St_Johns", "St. John's", "سانت جونز", "سنت جانز", "聖約翰斯"),
    Place("Atlantic/Azores", "Azores", "جزر الأزور", "آزور", "亞速群島"),
    Place("Atlantic/Reykjavik", "Reykjavik", "ريكيافيك", "ریکیاویک", "雷克雅維克"),
    Place("Europe/London", "London", "لندن", "لندن", "倫敦"),
    Place("Europe/Dublin", "Dublin", "دبلن", "دوبلین", "都柏林"),
    Place("Europe/Lisbon", "Lisbon", "لشبونة", "لیسبون", "里斯本"),
    Place("Africa/Casablanca", "Casablanca", "الدار البيضاء", "کازابلانکا", "卡薩布蘭卡"),
    Place("Africa/Algiers", "Algiers", "الجزائر", "الجزیره", "阿爾及爾"),
    Place("Africa/Tunis", "Tunis", "تونس", "تونس", "突尼斯"),
    Place("Africa/Lagos", "Lagos", "لاغوس", "لاگوس", "拉哥斯"),
    Place("Europe/Madrid", "Madrid", "مدريد", "مادرید", "馬德里"),
    Place("Europe/Paris", "Paris", "باريس", "پاریس", "巴黎"),
    Place("Europe/Brussels", "Brussels", "بروكسل", "بروکسل", "布魯塞爾"),
    Place("Europe/Amsterdam", "Amsterdam", "أمستردام", "آمستردام", "阿姆斯特丹"),
    Place("Europe/Berlin", "Berlin", "برلين", "برلین", "柏林"),
    Place("Europe/Zurich", "Zurich", "زيورخ", "زوریخ", "蘇黎世"),
    Place("Europe/Rome", "Rome", "روما", "رم", "羅馬"),
    Place("Europe/Vienna", "Vienna", "فيينا", "وین", "維也納"),
    Place("Europe/Prague", "Prague", "براغ", "پراگ", "布拉格"),
    Place("Europe/Warsaw", "Warsaw", "وارسو", "ورشو", "華沙"),
    Place("Europe/Copenhagen", "Copenhagen", "كوبنهاغن", "کپنهاگ", "哥本哈根"),
    Place("Europe/Oslo", "Oslo", "أوسلو", "اسلو", "奧斯陸"),
    Place("Europe/Stockholm", "Stockholm", "ستوكهولم", "استکهلم", "斯德哥爾摩"),
    Place("Europe/Athens", "Athens", "أثينا", "آتن", "雅典"),
    Place("Europe/Bucharest", "Bucharest", "بوخارست", "بخارست", "布加勒斯特"),
    Place("Europe/Helsinki", "Helsinki", "هلسنكي", "هلسینکی", "赫爾辛基"),
    Place("Europe/Kyiv", "Kyiv", "كييف", "کی‌یف", "基輔"),
    Place("Africa/Cairo", "Cairo", "القاهرة", "قاهره", "開羅"),
    Place("Africa/Johannesburg", "Johannesburg", "جوهانسبرغ", "ژوهانسبورگ", "約翰尼斯堡"),
    Place("Asia/Beirut", "Beirut", "بيروت", "بیروت", "貝魯特"),
    Place("Asia/Jerusalem", "Jerusalem", "القدس", "قدس", "耶路撒冷"),
    Place("Asia/Amman", "Amman", "عمّان", "عَمان", "安曼"),
    Place("Asia/Damascus", "Damascus", "دمشق", "دمشق", "大馬士革"),
    Place("Europe/Istanbul", "Istanbul", "إسطنبول", "استانبول", "伊斯坦堡"),
    Place("Europe/Moscow", "Moscow", "موسكو", "مسکو", "莫斯科"),
    Place("Asia/Baghdad", "Baghdad", "بغداد", "بغداد", "巴格達"),
    Place("Asia/Kuwait", "Kuwait", "الكويت", "کویت", "科威特"),
    Place("Asia/Riyadh", "Riyadh", "الرياض", "ریاض", "利雅德"),
    Place("Asia/Qatar", "Qatar", "قطر", "قطر", "卡達"),
    Place("Asia/Bahrain", "Bahrain", "البحرين", "بحرین", "巴林"),
    Place("Africa/Nairobi", "Nairobi", "نيروبي", "نایروبی", "奈洛比"),
    Place("Asia/Tehran", "Tehran", "طهران", "تهران", "德黑蘭"),
    Place("Asia/Dubai", "Dubai", "دبي", "دبی", "杜拜"),
    Place("Asia/Muscat", "Muscat", "مسقط", "مسقط", "馬斯開特"),
    Place("Asia/Baku", "Baku", "باكو", "باکو", "巴庫"),
    Place("Asia/Kabul", "Kabul", "كابول", "کابل", "喀布爾"),
    Place("Asia/Karachi", "Karachi", "كراتشي", "کراچی", "喀拉蚩"),
    Place("Asia/Tashkent", "Tashkent", "طشقند", "تاشکند", "塔什干"),
    Place("Asia/Kolkata", "Delhi", "نيودلهي", "دهلی نو", "新德里"),
    Place("Asia/Kathmandu", "Kathmandu", "كاتماندو", "کاتماندو", "加德滿都"),
    Place("Asia/Dhaka", "Dhaka", "دكا", "داکا", "達卡"),
    Place("Asia/Yangon", "Yangon", "يانغون", "یانگون", "仰光"),
    Place("Asia/Bangkok", "Bangkok", "بانكوك", "بانکوک", "曼谷"),
    Place("Asia/Jakarta", "Jakarta", "جاكرتا", "جاکارتا", "雅加達"),
    Place("Asia/Ho_Chi_Minh", "Ho Chi Minh City", "هوشي منه", "هوشی‌مین", "胡志明市"),
    Place("Asia/Shanghai", "Shanghai", "شنغهاي", "شانگهای", "上海"),
    Place("Asia/Hong_Kong", "Hong Kong", "هونغ كونغ", "هنگ‌کنگ", "香港"),
    Place("Asia/Macau", "Macao", "ماكاو", "ماکائو", "澳門"),
    Place("Asia/Taipei", "Taipei", "تايبيه", "تایپه", "台北"),
    Place("Asia/Singapore", "Singapore", "سنغافورة", "سنگاپور", "新加坡"),
    Place("Asia/Kuala_Lumpur", "Kuala Lumpur", "كوالا لامبور", "کوالالامپور", "吉隆坡"),
    Place("Asia/Manila", "Manila", "مانيلا", "مانیل", "馬尼拉"),
    Place("Australia/Perth", "Perth", "بيرث", "پرت", "伯斯"),
    Place("Asia/Seoul", "Seoul", "سول", "سئول", "首爾"),
    Place("Asia/Tokyo", "Tokyo", "طوكيو", "توکیو", "東京"),
    Place("Australia/Adelaide", "Adelaide", "أديلايد", "آدلاید", "阿得雷德"),
    Place("Australia/Brisbane", "Brisbane", "بريزبن", "بریزبن", "布里斯本"),
    Place("Australia/Sydney", "Sydney", "سيدني", "سیدنی", "雪梨"),
    Place("Pacific/Auckland", "Auckland", "أوكلاند", "اوکلند", "奧克蘭"),
)
