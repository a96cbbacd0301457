"""Check a template's Jinja at publish."""

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
"""The variables of a template, with their fields if these are fixed."""

OPTIONAL = (
    *(f"contact.{name}" for name, field in CONTACT_FIELDS.items() if field.optional_in_templates),
    "contact.properties.",
    "contact.phone", "contact.external_id", "contact.lists.", "contact.stage", "contact.score",
    "contact.frequency", "contact.snoozed_until", "store.logo_url", "steps.",
)  # fmt: skip
"""Values that can be missing; a dot at the end means everything below."""

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


class _Error(NamedTuple):
    """An error in a line of the Jinja source."""

    line: int | None
    reason: str
    remedy: str = ""


def analyze(pieces: Sequence[SourcePiece]) -> list[Problem]:
    """Check one assembled part: grammar, filters, tests, variables, optional values."""
    if broken := [p for p in pieces if p.kind in ("text", "words") and _contains_jinja(p.source)]:
        return [Problem(p.place, "has a brace that Jinja would read as its own") for p in broken]
    source, places = _jinja_lines(pieces)
    errors = (
        Problem(places.of(each.line), each.reason, each.remedy) for each in _errors_of(source)
    )
    return list(dict.fromkeys(errors))


def check_syntax(pieces: Sequence[SourcePiece]) -> list[Problem]:
    """Check only whether one file, or one text, is valid by itself."""
    source, places = _jinja_lines(pieces)
    return [Problem(places.of(each.line), each.reason) for each in _syntax(source)]


@lru_cache(maxsize=512)
def _errors_of(source: str) -> tuple[_Error, ...]:
    """All errors of a part; cached, because its Jinja is the same in every language."""
    try:
        tree = _ANALYZER.parse(source)
        check_depth(tree)
        return tuple(_grammar(tree)) or (*_variables(tree), *_missing(tree, frozenset()))
    except (TemplateError, RecursionError, ValueError) as error:
        return (_unreadable(error),)


@lru_cache(maxsize=512)
def _syntax(source: str) -> tuple[_Error, ...]:
    """The syntax error of a source; cached, because templates share files and texts."""
    try:
        _ANALYZER.parse(source)
    except (TemplateError, RecursionError, ValueError) as error:
        return (_unreadable(error),)
    return ()


def _unreadable(error: Exception) -> _Error:
    if isinstance(error, TemplateError):
        return _Error(getattr(error, "lineno", 1) or 1, str(error.message))
    return _Error(1, f"cannot be read: {type(error).__name__}")


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


def _jinja_lines(pieces: Sequence[SourcePiece]) -> tuple[str, _Places]:
    """The Jinja of the pieces without their text, one piece a line, and the origin of each line."""
    starts: list[int] = []
    jinja_pieces: list[SourcePiece] = []
    lines: list[str] = []
    line = 1
    for piece in pieces:
        if piece.kind in ("text", "words"):
            continue
        template = "{{ %s }}" if piece.kind == "output" else "{%% %s %%}"
        starts.append(line)
        jinja_pieces.append(piece)
        lines.append(template % piece.source)
        line += piece.source.count("\n") + 1
    return "\n".join(lines), _Places(starts, jinja_pieces)


def _contains_jinja(text: str) -> bool:
    return "{{" in text or "{%" in text


class _AnyName(dict[str, object]):
    """Accepts every filter for the analysis, so that unknown filters are reported with their place
    and not by Jinja."""

    def get(self, key: str, default: object = None) -> object:
        return str

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> object:
        return str


_ANALYZER = DataEnvironment(undefined=Missing)
_ANALYZER.filters = _AnyName()
_ANALYZER.tests = _AnyName()  # type: ignore[assignment]


def _grammar(tree: nodes.Template) -> Iterator[_Error]:
    for node in tree.find_all(nodes.Node):
        line = node.lineno
        if type(node) in _FORBIDDEN:
            yield _Error(line, *_FORBIDDEN[type(node)])
        elif not isinstance(node, GRAMMAR):
            yield _Error(line, f"{type(node).__name__.lower()} is not available in templates")
        elif isinstance(node, nodes.For) and node.recursive:
            yield _Error(line, "recursive loops are not available")
        elif isinstance(node, nodes.Filter):
            if node.dyn_args or node.dyn_kwargs:
                yield _Error(line, "*arguments are not available")
            if node.name not in TEMPLATE_FILTERS:
                remedy = (
                    did_you_mean(node.name, list(TEMPLATE_FILTERS))
                    or f"there are: {', '.join(TEMPLATE_FILTERS)}"
                )
                yield _Error(line, f'there is no filter "{node.name}"', remedy)
            yield from _date_words(node)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield _Error(line, f'there is no test "{node.name}"', did_you_mean(node.name, TESTS))


def _date_words(node: nodes.Filter) -> Iterator[_Error]:
    """Find unknown widths and calendars, which would fail every e-mail."""
    if node.name != "date":
        return
    arguments = {str(keyword.key): keyword.value for keyword in node.kwargs}
    arguments |= dict(zip(("width", "calendar"), node.args, strict=False))
    choices: dict[str, Sequence[str]] = {"width": WIDTHS, "calendar": CALENDARS}
    for argument, names in choices.items():
        value = arguments.get(argument)
        if isinstance(value, nodes.Const) and value.value not in names:
            remedy = did_you_mean(str(value.value), names) or f"there are: {', '.join(names)}"
            yield _Error(node.lineno, f'date has no {argument} "{value.value}"', remedy)


def _variables(tree: nodes.Template) -> Iterator[_Error]:
    unknown = meta.find_undeclared_variables(tree) - KNOWN.keys()
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        line = node.lineno
        if isinstance(node, nodes.Name):
            if node.ctx == "store" and (node.name in KNOWN or node.name.startswith("_")):
                yield _Error(line, f'"{node.name}" cannot be set', "choose another name")
            elif node.ctx == "load" and node.name == "t":
                yield _Error(
                    line,
                    "texts stand alone, as in {{ t.greeting }}",
                    "put filters and conditions into the text, or around the braces",
                )
            elif node.ctx == "load" and node.name in unknown:
                remedy = did_you_mean(node.name, list(KNOWN)) or f"there are: {', '.join(KNOWN)}"
                yield _Error(line, f'"{node.name}" is not known', remedy)
            continue
        root, _, rest = dotted_path(node).partition(".")
        known = KNOWN.get(root)
        if rest and known is not None and "." not in rest and rest not in known:
            remedy = did_you_mean(rest, known) or f"it has: {', '.join(sorted(known))}"
            yield _Error(line, f'{root} has no "{rest}"', remedy)


def _missing(node: nodes.Node, known_present: frozenset[str]) -> Iterator[_Error]:
    """Find optional values that are printed or used without a condition or a default."""
    if isinstance(node, nodes.If):
        yield from _missing_in(node.body, known_present | _mentioned(node.test))
        yield from _missing_in([*node.elif_, *node.else_], known_present)
    elif isinstance(node, nodes.CondExpr):
        yield from _missing(node.expr1, known_present | _mentioned(node.test))
        yield from _missing_in([node.expr2] if node.expr2 else [], known_present)
    elif isinstance(node, nodes.And):
        yield from _missing(node.left, known_present | _mentioned(node.left))
        yield from _missing(node.right, known_present | _mentioned(node.left))
    elif isinstance(node, nodes.Not):
        yield from _missing(node.node, known_present | _mentioned(node.node))
    elif isinstance(node, nodes.Filter) and node.name in ("default", "d"):
        yield from _missing_in(node.args, known_present)
    elif isinstance(node, nodes.Test) and node.name in ("defined", "undefined"):
        return
    elif (path := dotted_path(node)) and _is_optional(path):
        if path not in known_present:
            yield _Error(
                node.lineno,
                f"{path} is missing for some",
                f'write {{{{ {path} | default("…") }}}} or {{% if {path} %}}…{{% endif %}}',
            )
    else:
        yield from _missing_in(node.iter_child_nodes(), known_present)


def _missing_in(children: Iterable[nodes.Node], known_present: frozenset[str]) -> Iterator[_Error]:
    for node in children:
        yield from _missing(node, known_present)


def _mentioned(test: nodes.Node) -> frozenset[str]:
    paths = {dotted_path(node) for node in test.find_all((nodes.Getattr, nodes.Getitem))} | {
        dotted_path(test)
    }
    return frozenset(paths - {""})


def _is_optional(path: str) -> bool:
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
