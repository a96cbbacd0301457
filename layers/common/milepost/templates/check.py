"""What is wrong with a template's Jinja, found at publish and not in somebody's inbox."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from jinja2 import TemplateError, meta, nodes

from milepost.base.problems import Problem, did_you_mean
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.templates.calendars import CALENDARS
from milepost.templates.filters import TEMPLATE_FILTERS
from milepost.templates.formats import WIDTHS
from milepost.templates.sandbox import GRAMMAR, TESTS, DataEnvironment, Missing, check_depth
from milepost.templates.source import SourcePiece

KNOWN: Mapping[str, frozenset[str] | None] = {
    "contact": frozenset(
        {
            *CONTACT_FIELDS,
            "email",
            "phone",
            "external_id",
            "properties",
            "lists",
            "stage",
            "score",
            "frequency",
            "snoozed_until",
        }
    ),
    "event": None,
    "store": frozenset({"name", "url", "postal_address", "logo_url", "currency"}),
    "urls": frozenset({"unsubscribe", "preferences", "shop", "confirm", "view"}),
    "sender": frozenset({"name"}),
    "steps": None,
    "enrollment": frozenset({"id", "workflow", "since"}),
    "now": None,
    "lang": None,
    "dir": None,
    "start": None,
    "end": None,
}
"""What a template may speak of, and the parts of it where they are fixed."""

OPTIONAL = (
    *(f"contact.{name}" for name, field in CONTACT_FIELDS.items() if field.optional_in_templates),
    "contact.properties.",
    "contact.phone", "contact.external_id", "contact.lists.", "contact.stage", "contact.score",
    "contact.frequency", "contact.snoozed_until", "store.logo_url", "steps.",
)  # fmt: skip
"""What some contacts, stores or runs do not have; a dot at the end means everything below."""

_FORBIDDEN = {
    nodes.Call: ("calls are not available", "templates only see data; use a filter"),
    nodes.Pow: ("** is not available", ""),
    nodes.Macro: ("macros are not available", "use {% include %}"),
    nodes.CallBlock: ("call blocks are not available", "use {% include %}"),
    nodes.Import: ("imports are not available", "use {% include %}"),
    nodes.FromImport: ("imports are not available", "use {% include %}"),
    nodes.AssignBlock: ("set blocks are not available", "write {% set name = value %}"),
    nodes.NSRef: ("namespaces are not available", ""),
}


class _Found(NamedTuple):
    """A mistake in a line of bare Jinja."""

    line: int | None
    reason: str
    remedy: str = ""


def analyze(pieces: Sequence[SourcePiece]) -> list[Problem]:
    """Check one assembled part: grammar, filters, tests, variables, values that may be missing."""
    if broken := [p for p in pieces if p.kind in ("text", "words") and _looks_like_jinja(p.source)]:
        return [Problem(p.place, "has a brace that Jinja would read as its own") for p in broken]
    source, places = _bare(pieces)
    found = (Problem(places.of(each.line), each.reason, each.remedy) for each in _analyzed(source))
    return list(dict.fromkeys(found))


def check_syntax(pieces: Sequence[SourcePiece]) -> list[Problem]:
    """Only whether one file, or one text, is valid by itself."""
    source, places = _bare(pieces)
    return [Problem(places.of(each.line), each.reason) for each in _syntax(source)]


@lru_cache(maxsize=512)
def _analyzed(source: str) -> tuple[_Found, ...]:
    """All mistakes of a part; kept, for its Jinja is the same in every language."""
    try:
        tree = _ANALYST.parse(source)
        check_depth(tree)
        return tuple(_grammar(tree)) or (*_variables(tree), *_missing(tree, frozenset()))
    except (TemplateError, RecursionError, ValueError) as error:
        return (_unreadable(error),)


@lru_cache(maxsize=512)
def _syntax(source: str) -> tuple[_Found, ...]:
    """What keeps a source from being read; kept, for templates share files and texts."""
    try:
        _ANALYST.parse(source)
    except (TemplateError, RecursionError, ValueError) as error:
        return (_unreadable(error),)
    return ()


def _unreadable(error: Exception) -> _Found:
    if isinstance(error, TemplateError):
        return _Found(getattr(error, "lineno", 1) or 1, str(error.message))
    return _Found(1, f"cannot be read: {type(error).__name__}")


class _Places:
    def __init__(self, starts: list[int], pieces: Sequence[SourcePiece]) -> None:
        self._starts = starts
        self._pieces = pieces

    def of(self, line: int | None) -> str:
        line = line or 1  # an empty template has none
        index = bisect_right(self._starts, line) - 1
        if not self._pieces:
            return "template"
        piece = self._pieces[max(index, 0)]
        if not piece.line:
            return piece.file
        return f"{piece.file}:{piece.line + line - self._starts[max(index, 0)]}"


def _bare(pieces: Sequence[SourcePiece]) -> tuple[str, _Places]:
    """The Jinja of the pieces without their text, one piece a line, and where each line is from."""
    starts: list[int] = []
    shown: list[SourcePiece] = []
    lines: list[str] = []
    line = 1
    for piece in pieces:
        if piece.kind in ("text", "words"):
            continue
        template = "{{ %s }}" if piece.kind == "output" else "{%% %s %%}"
        starts.append(line)
        shown.append(piece)
        lines.append(template % piece.source)
        line += piece.source.count("\n") + 1
    return "\n".join(lines), _Places(starts, shown)


def _looks_like_jinja(text: str) -> bool:
    return "{{" in text or "{%" in text


class _Lenient(dict[str, object]):
    """Filters for analysis: an unknown one is reported by us, with its place, not by Jinja."""

    def get(self, key: str, default: object = None) -> object:
        return str

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> object:
        return str


_ANALYST = DataEnvironment(undefined=Missing)
_ANALYST.filters = _Lenient()
_ANALYST.tests = _Lenient()  # type: ignore[assignment]


def _grammar(tree: nodes.Template) -> Iterator[_Found]:
    for node in tree.find_all(nodes.Node):
        line = node.lineno
        if type(node) in _FORBIDDEN:
            yield _Found(line, *_FORBIDDEN[type(node)])
        elif not isinstance(node, GRAMMAR):
            yield _Found(line, f"{type(node).__name__.lower()} is not available in templates")
        elif isinstance(node, nodes.For) and node.recursive:
            yield _Found(line, "recursive loops are not available")
        elif isinstance(node, nodes.Filter):
            if node.dyn_args or node.dyn_kwargs:
                yield _Found(line, "*arguments are not available")
            if node.name not in TEMPLATE_FILTERS:
                remedy = (
                    did_you_mean(node.name, list(TEMPLATE_FILTERS))
                    or f"there are: {', '.join(TEMPLATE_FILTERS)}"
                )
                yield _Found(line, f'there is no filter "{node.name}"', remedy)
            yield from _date_words(node)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield _Found(line, f'there is no test "{node.name}"', did_you_mean(node.name, TESTS))


def _date_words(node: nodes.Filter) -> Iterator[_Found]:
    """A width or a calendar that there is not would fail every mail."""
    if node.name != "date":
        return
    given = {str(keyword.key): keyword.value for keyword in node.kwargs}
    given |= dict(zip(("width", "calendar"), node.args, strict=False))
    offered: dict[str, Sequence[str]] = {"width": WIDTHS, "calendar": CALENDARS}
    for what, words in offered.items():
        word = given.get(what)
        if isinstance(word, nodes.Const) and word.value not in words:
            remedy = did_you_mean(str(word.value), words) or f"there are: {', '.join(words)}"
            yield _Found(node.lineno, f'date has no {what} "{word.value}"', remedy)


def _variables(tree: nodes.Template) -> Iterator[_Found]:
    unknown = meta.find_undeclared_variables(tree) - KNOWN.keys()
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        line = node.lineno
        if isinstance(node, nodes.Name):
            if node.ctx == "store" and (node.name in KNOWN or node.name.startswith("_")):
                yield _Found(line, f'"{node.name}" cannot be set', "choose another name")
            elif node.ctx == "load" and node.name == "t":
                yield _Found(
                    line,
                    "texts stand alone, as in {{ t.greeting }}",
                    "put filters and conditions into the text, or around the braces",
                )
            elif node.ctx == "load" and node.name in unknown:
                remedy = did_you_mean(node.name, list(KNOWN)) or f"there are: {', '.join(KNOWN)}"
                yield _Found(line, f'"{node.name}" is not known', remedy)
            continue
        root, _, rest = dotted_path(node).partition(".")
        known = KNOWN.get(root)
        if rest and known is not None and "." not in rest and rest not in known:
            remedy = did_you_mean(rest, known) or f"it has: {', '.join(sorted(known))}"
            yield _Found(line, f'{root} has no "{rest}"', remedy)


def _missing(node: nodes.Node, sure: frozenset[str]) -> Iterator[_Found]:
    """Find optional values printed or used without a condition or a default."""
    if isinstance(node, nodes.If):
        yield from _each(node.body, sure | _mentioned(node.test))
        yield from _each([*node.elif_, *node.else_], sure)
    elif isinstance(node, nodes.CondExpr):
        yield from _missing(node.expr1, sure | _mentioned(node.test))
        yield from _each([node.expr2] if node.expr2 else [], sure)
    elif isinstance(node, nodes.And):
        yield from _missing(node.left, sure | _mentioned(node.left))
        yield from _missing(node.right, sure | _mentioned(node.left))
    elif isinstance(node, nodes.Not):
        yield from _missing(node.node, sure | _mentioned(node.node))
    elif isinstance(node, nodes.Filter) and node.name in ("default", "d"):
        yield from _each(node.args, sure)
    elif isinstance(node, nodes.Test) and node.name in ("defined", "undefined"):
        return
    elif (path := dotted_path(node)) and _optional(path):
        if path not in sure:
            yield _Found(
                node.lineno,
                f"{path} is missing for some",
                f'write {{{{ {path} | default("…") }}}} or {{% if {path} %}}…{{% endif %}}',
            )
    else:
        yield from _each(node.iter_child_nodes(), sure)


def _each(inner: Iterable[nodes.Node], sure: frozenset[str]) -> Iterator[_Found]:
    for node in inner:
        yield from _missing(node, sure)


def _mentioned(test: nodes.Node) -> frozenset[str]:
    found = {dotted_path(node) for node in test.find_all((nodes.Getattr, nodes.Getitem))} | {
        dotted_path(test)
    }
    return frozenset(found - {""})


def _optional(path: str) -> bool:
    return any(path.startswith(o) if o.endswith(".") else path == o for o in OPTIONAL)


def dotted_path(node: nodes.Node) -> str:
    """`contact.first_name` for a chain of constant names that begins at a variable, else empty."""
    names: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            names.append(node.attr)
        elif isinstance(node.arg, nodes.Const):
            names.append(str(node.arg.value))
        else:
            return ""
        node = node.node
    return ".".join([node.name, *reversed(names)]) if isinstance(node, nodes.Name) else ""
