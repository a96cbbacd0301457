"""Track the position in an HTML or MJML document: in text, in a tag, or in an attribute's value."""

import re
from dataclasses import dataclass

_RAW = frozenset({"style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview"})
"""Elements whose content is text, even if it looks like markup."""

_NAME = re.compile(r"/?([A-Za-z][\w:-]*)")
_SPACE = re.compile(r"\s+")
_ATTRIBUTE = re.compile(r"[^\s=>/\"'<]+")
_VALUE_BEGIN = re.compile(r"\s*=\s*([\"']?)")
_VALUE_END = re.compile(r"[\s>]")


@dataclass(slots=True)
class Cursor:
    """The position in a document after the text read so far.

    `state` is text, tag (between attributes), value (of `attribute`, in `quote`), raw (inside
    `tag`, such as style or title) or comment. `value` is the beginning of the value.
    """

    state: str = "text"
    tag: str = ""
    attribute: str = ""
    quote: str = ""
    value: str = ""

    def read(self, text: str) -> None:
        position = 0
        while position < len(text):
            position = getattr(self, f"_{self.state}")(text, position)

    def _text(self, text: str, position: int) -> int:
        start = text.find("<", position)
        if start < 0:
            return len(text)
        if text.startswith("<!--", start):
            if text.startswith("<!--[if", start):
                end = text.find("]>", start)
                return len(text) if end < 0 else end + 2
            for end_of_condition in ("<!-->", "<!--<![endif]-->"):  # ends of conditional comments
                if text.startswith(end_of_condition, start):
                    return start + len(end_of_condition)
            self.state = "comment"
            return start + 4
        if text.startswith("<!", start):
            end = text.find(">", start)
            return len(text) if end < 0 else end + 1
        name = _NAME.match(text, start + 1)
        if not name:
            return start + 1
        self.state = "tag"
        self.tag = name[0].lower()
        return name.end()

    def _comment(self, text: str, position: int) -> int:
        end = text.find("-->", position)
        if end < 0:
            return len(text)
        self.state = "text"
        return end + 3

    def _raw(self, text: str, position: int) -> int:
        end = text.lower().find(f"</{self.tag}", position)
        if end < 0:
            return len(text)
        self.state = "text"
        return end

    def _tag(self, text: str, position: int) -> int:
        if space := _SPACE.match(text, position):
            return space.end()
        if text[position] == ">":
            closed = position > 0 and text[position - 1] == "/"
            self.state = "raw" if self.tag in _RAW and not closed else "text"
            return position + 1
        name = _ATTRIBUTE.match(text, position)
        if not name:
            return position + 1
        begin = _VALUE_BEGIN.match(text, name.end())
        if not begin:
            return name.end()
        self.state = "value"
        self.attribute, self.quote, self.value = name[0].lower(), begin[1], ""
        return begin.end()

    def _value(self, text: str, position: int) -> int:
        if self.quote:
            end = text.find(self.quote, position)
        else:
            stop = _VALUE_END.search(text, position)
            end = stop.start() if stop else -1
        if end < 0:
            self.value += text[position:]
            return len(text)
        self.state = "tag"
        return end + len(self.quote)
