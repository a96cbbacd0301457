"""From a compiled template and data to an e-mail and its size."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Template, TemplateRuntimeError, TemplateSyntaxError, UndefinedError, nodes

from milepost.base import languages
from milepost.templates.filters import CAMPAIGN, LOCALE, PRINTING, TEMPLATE_FILTERS
from milepost.templates.htmltext import tidy
from milepost.templates.sandbox import (
    MAX_TEXT_LENGTH,
    WORK_BUDGET,
    WORK_LEFT,
    DataEnvironment,
    Part,
    compile_part,
    environment,
)
from milepost.templates.version import TemplateVersion

if TYPE_CHECKING:
    from jinja2.runtime import Context

    from milepost.templates.utm import Campaign


CLIPPED = 102 * 1024
"""Bytes of HTML that Gmail shows."""

_TRACKING_BYTES = 160
"""The bytes that SES adds to a link to count clicks."""

_DEFAULT_ROUNDS = 10
"""The assumed rounds of a loop without a slice such as `products[:8]`."""

_TYPICAL_SIZES = {"_link": 80, "_visit": 170, "_mark": 90, "_link_part": 24, "_style": 8}
_DEFAULT_SIZE = 24


def is_clipped(html: str) -> bool:
    """Whether Gmail would cut this e-mail off, with the bytes that SES adds to count clicks."""
    if len(html) * 4 < CLIPPED // 2:
        return False  # four bytes for every character, and half of the limit for links
    return html_size(html) > CLIPPED


def html_size(html: str) -> int:
    """The bytes of the finished HTML, with click tracking."""
    return len(html.encode()) + _TRACKING_BYTES * html.count("href=")


def estimate(tree: nodes.Template) -> int:
    """The estimated bytes of a compiled HTML part, with values of typical length.

    Every condition counts with its longer branch. A loop counts as often as its slice allows,
    otherwise ten times.
    """
    return _total(tree.body)


def _total(children: Iterable[nodes.Node]) -> int:
    return sum(map(_size, children))


def _size(node: nodes.Node) -> int:
    if isinstance(node, nodes.TemplateData):
        return html_size(node.data)
    if isinstance(node, nodes.Output):
        return _total(node.nodes)
    if isinstance(node, nodes.If):
        elif_sizes = [_total(other.body) for other in node.elif_]
        return max(_total(node.body), _total(node.else_), *elif_sizes)
    if isinstance(node, nodes.For):
        return max(_rounds(node.iter) * _total(node.body), _total(node.else_))
    if isinstance(node, nodes.Filter):
        return _TYPICAL_SIZES.get(node.name, _DEFAULT_SIZE)
    return 0


def _rounds(iterated: nodes.Node) -> int:
    if isinstance(iterated, nodes.List | nodes.Tuple):
        return len(iterated.items)
    if isinstance(iterated, nodes.Getitem) and isinstance(iterated.arg, nodes.Slice):
        stop = iterated.arg.stop
        if isinstance(stop, nodes.Const) and type(stop.value) is int and stop.value > 0:
            return stop.value
    return _DEFAULT_ROUNDS


MAX_OUTPUT = 512 * 1024
"""Characters of one rendered part. SES takes 40 MB, but no e-mail needs so much."""

MAX_SUBJECT_LENGTH = 255

_BATCH = 64
"""The number of pieces between two size checks. A piece is at most a template's text, 102 KB."""


_MAX_VALUES = 20_000
_MAX_DEPTH = 20

_REMOVED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that are removed from values: control characters, marks that reorder the text around
them, and halves of surrogate pairs (allowed in JSON, but not in UTF-8)."""

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_DIRECTION_MARKS = re.compile("[\u202a-\u202e]")


def _environments() -> dict[Part, DataEnvironment]:
    filters = {**TEMPLATE_FILTERS, **PRINTING}
    html, plain = environment(True, filters), environment(False, filters)
    return {"subject": plain, "preheader": plain, "html": html, "text": plain}


ENVIRONMENTS = _environments()
"""The environment of each part. Code that is compiled for one runs in no other."""


class RenderingError(Exception):
    """A template cannot be rendered for this contact. The message contains no contact data."""

    def __init__(self, template: str, part: str, reason: str) -> None:
        super().__init__(f"{template} ({part}): {reason}")
        self.template = template
        self.part = part
        self.reason = reason


class Rendered(NamedTuple):
    """A rendered e-mail. `locale` is its language, `hash` that of the template version.

    `subject` is one line of 1 to 255 characters without control characters. `html` already contains
    the `preheader`.
    """

    subject: str
    preheader: str
    html: str
    text: str
    locale: str
    hash: str


class Renderer:
    """Renders one template version in any of its languages. Reuse it, because loading is slow."""

    def __init__(self, version: TemplateVersion) -> None:
        self.version = version
        self._loaded: dict[str, dict[Part, Template]] = {}

    def render(
        self, context: Mapping[str, Any], locale: str | None, campaign: "Campaign | None" = None
    ) -> Rendered:
        """Render the template in the language that fits `locale` best. `campaign` is added to links
        to the store's own pages.

        Raises RenderingError with the value that is missing, too large or invalid.
        """
        version = self.version
        language = languages.choose(locale, version.packed, version.default_locale)
        templates = self._loaded.get(language) or self._load(language)
        values = self._values(context, locale, language)
        values[CAMPAIGN] = campaign
        parts = {part: self._fill(part, template, values) for part, template in templates.items()}
        subject = one_line(parts["subject"])
        if not subject:
            raise RenderingError(version.name, "subject", "it came out empty")
        return Rendered(
            subject=subject,
            preheader=one_line(parts.get("preheader", "")),
            html=parts["html"],
            text=tidy(parts["text"]),
            locale=language,
            hash=version.hash,
        )

    def _load(self, language: str) -> dict[Part, Template]:
        variant = self.version.variant(language)
        name = f"{self.version.name} ({language})"
        loaded: dict[Part, Template] = {}
        for part, source in variant.sources.items():
            try:
                code = variant.code.get(part) or compile_part(ENVIRONMENTS[part], source, name)
            except TemplateSyntaxError as error:
                reason = f"cannot be compiled any more, publish it again: {error.message}"
                raise RenderingError(self.version.name, part, reason) from None
            loaded[part] = Template.from_code(ENVIRONMENTS[part], code, {})
        self._loaded[language] = loaded
        return loaded

    def _values(
        self, context: Mapping[str, Any], locale: str | None, language: str
    ) -> dict[str, Any]:
        try:
            values: dict[str, Any] = plain(context)
        except NotJsonError as error:
            raise RenderingError(self.version.name, "context", str(error)) from None
        direction = languages.direction(language)
        requested = languages.normalize(locale or "")
        same_language = requested.partition("-")[0] == language.partition("-")[0]
        values.update(
            {
                "lang": language,
                "dir": direction,
                "start": "right" if direction == "rtl" else "left",
                "end": "left" if direction == "rtl" else "right",
                LOCALE: requested if same_language else language,
            }
        )
        return values

    def _fill(self, part: Part, template: Template, values: dict[str, Any]) -> str:
        values[WORK_LEFT] = [WORK_BUDGET]
        pieces: list[str] = []
        characters_left = MAX_OUTPUT
        root: Callable[[Context], Iterator[str]] = template.root_render_func
        try:
            stream = root(template.new_context(values))
            while batch := list(islice(stream, _BATCH)):
                characters_left -= sum(map(len, batch))
                if characters_left < 0:
                    raise RenderingError(self.version.name, part, "it grows beyond 512 KB")
                pieces += batch
        except UndefinedError as error:
            reason = f"{self._full_name(part, str(error.message), values['lang'])} is missing"
            raise RenderingError(self.version.name, part, reason) from None
        except TemplateRuntimeError as error:
            raise RenderingError(self.version.name, part, str(error.message)) from None
        except ValueError as error:
            # Milepost's own errors say "is not an amount"; others may quote contact data.
            safe_reason = str(error) if str(error).startswith("is not a") else type(error).__name__
            raise RenderingError(self.version.name, part, f"a value {safe_reason}") from None
        except (TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            reason = f"an expression does not fit its values ({type(error).__name__})"
            raise RenderingError(self.version.name, part, reason) from None
        return "".join(pieces)

    def _full_name(self, part: Part, name: str, language: str) -> str:
        """Complete `total` to `event.total` by a search in the template's source."""
        source = self.version.variant(language).sources[part]
        paths = set(re.findall(rf"\b((?:\w+\.)+{re.escape(name)})\b", source))
        return paths.pop() if len(paths) == 1 else name


class NotJsonError(ValueError):
    """A context contains a value that is not JSON; the message says where."""


def plain(context: Mapping[str, Any]) -> dict[str, Any]:
    """Copy JSON data for a template without nulls and unwanted characters. Long texts are cut.

    Raises NotJsonError for any other object, so that a template can never reach one.
    """
    values_left = _MAX_VALUES

    def copy(value: Any, depth: int) -> Any:
        nonlocal values_left
        values_left -= 1
        if values_left < 0 or depth > _MAX_DEPTH:
            raise NotJsonError(": more than a mail can hold")
        kind = type(value)
        if kind is str:
            if not value.isprintable():  # a fast check; it also finds some harmless marks
                value = _REMOVED.sub("", value)
            return value if len(value) <= MAX_TEXT_LENGTH else value[: MAX_TEXT_LENGTH - 1] + "…"
        if kind is int or kind is float or kind is bool:
            return value
        if isinstance(value, Mapping):
            copied = {}
            for key, inner in value.items():
                if inner is None:
                    continue
                if type(key) is not str:
                    raise NotJsonError(": a key is not text")
                try:
                    copied[key] = copy(inner, depth + 1)
                except NotJsonError as error:
                    raise NotJsonError(f".{key}{error}") from None
            return copied
        if kind is list or kind is tuple:
            return [copy(inner, depth + 1) for inner in value if inner is not None]
        raise NotJsonError(f": {kind.__name__} is not plain data")

    try:
        copied: dict[str, Any] = copy(context, 0)
    except NotJsonError as error:
        raise NotJsonError(str(error).lstrip(".")) from None
    return copied


def one_line(text: str) -> str:
    """Make a header value of a rendered text: one line of at most 255 characters, without control
    characters and marks that reorder text. Isolates stay, because they have an end."""
    line = _SPACES.sub(" ", _DIRECTION_MARKS.sub("", text)).strip()
    if len(line) > MAX_SUBJECT_LENGTH:
        line = line[: MAX_SUBJECT_LENGTH - 2].rstrip() + "…"
        if line.count("\u2068") > line.count("\u2069"):
            line += "\u2069"
    return line
