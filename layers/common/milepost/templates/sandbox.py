"""The sandbox of templates: plain data, a short list of filters, a limited amount of work.

Jinja's own sandbox is not enough: it lets `{{ 'a' * 100000000 }}` take 400 MB and calls any method
of any object in the context. So there are three more limits:

1. Templates see data only. An attribute is a key of a dictionary, or it is missing. Methods, calls,
   macros and imports do not exist (`GRAMMAR`).
2. Every loop and every filter is charged to one budget per e-mail (`WORK_BUDGET`), in proportion to
   the size of its input. No text that a template builds can exceed `MAX_TEXT_LENGTH`.
3. Every printed value passes one of the filters of `escaping.py`, which publish chooses by the
   place of the value: text, attribute, link or style.
"""

from collections.abc import Mapping
from types import CodeType
from typing import Any, Literal, cast

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

Part = Literal["subject", "preheader", "html", "text"]
PARTS: tuple[Part, ...] = ("subject", "preheader", "html", "text")

WORK_BUDGET = 50_000
"""Units of work for one e-mail. A cart of five products takes about 300; the whole budget, half a
second."""

MAX_TEXT_LENGTH = 20_000
"""The highest number of characters of a value, or of a text that a template builds."""

WORK_LEFT = "_allowance"
"""The key of the remaining budget: a list of one number that templates cannot reach."""

GRAMMAR: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign,
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword,
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat,
)  # fmt: skip
"""The allowed nodes of a template. Other nodes are not compiled."""

TESTS = (
    "defined", "undefined", "string", "number", "integer", "float", "boolean", "mapping",
    "sequence", "even", "odd", "divisibleby", "in", "true", "false", "eq", "equalto", "==", "ne",
    "!=", "gt", "greaterthan", ">", "ge", ">=", "lt", "lessthan", "<", "le", "<=",
)  # fmt: skip

_LOOP = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth",
     "previtem", "nextitem"}
)  # fmt: skip


MAX_DEPTH = 100
"""The maximum depth of nodes. The layout with a product table has 15. The time of Jinja's compiler
grows with the square of the depth of conditions."""


class RenderLimitError(TemplateRuntimeError):
    """The template needs more work or memory than an e-mail may use."""


class NotPlainDataError(TemplateRuntimeError):
    """The template uses an operation that the value does not support."""


class Missing(StrictUndefined):
    """A missing value: false in a condition, an error with its name anywhere else.

    Its parts are missing too (`event.customer.name` without a customer), as in the conditions of
    workflows, so that `default` and `if` work at any depth.
    """

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or str(self._undefined_name)

    def __bool__(self) -> bool:  # type: ignore[override]  # the parent never returns
        return False

    def part(self, name: object) -> "Missing":
        return type(self)(name=f"{self._undefined_name}.{name}")


class DataEnvironment(ImmutableSandboxedEnvironment):
    """A Jinja environment for JSON values: a lookup never reaches a Python attribute."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                return Missing(name=attribute)
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, Missing):
            return obj.part(attribute)
        return Missing(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        kind = type(obj)
        if isinstance(obj, Missing):
            return obj.part(argument)
        if kind is dict or kind is list or kind is str or kind is tuple:
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return Missing(name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and type(left) is str and type(right) is str:
            if len(left) + len(right) > MAX_TEXT_LENGTH:
                raise RenderLimitError(f"a text grows beyond {MAX_TEXT_LENGTH} characters")
            return left + right
        for value in (left, right):
            if isinstance(value, Missing):
                value._fail_with_undefined_error()
            if type(value) is not int and type(value) is not float:
                raise NotPlainDataError(f"{operator} works on numbers")
        if operator == "**":
            raise NotPlainDataError("** is not available")
        result = super().call_binop(context, operator, left, right)
        if abs(result) > 1e18:
            raise RenderLimitError("a number grows beyond 10^18")
        return result


def charge_budget(context: Context, units: int) -> None:
    """Charge work to the budget of this render. Raises RenderLimitError if it is used up."""
    budget = context.parent[WORK_LEFT]
    budget[0] -= units
    if budget[0] < 0:
        raise RenderLimitError("the template does too much work for one mail")


def each(context: Context, value: Any, weight: int) -> list[Any]:
    """The items of a `for`, charged in advance: their number times the size of the loop's body."""
    if isinstance(value, Missing):
        value._fail_with_undefined_error()
    if type(value) not in (list, tuple, dict, str):
        raise NotPlainDataError("a loop needs a list")
    charge_budget(context, 1 + len(value) * weight)
    return list(value)


def concat(context: Context, parts: tuple[Any, ...]) -> str:
    """`a ~ b`, with a limit for its length."""
    texts = [text_of(part) for part in parts]
    length = sum(map(len, texts))
    if length > MAX_TEXT_LENGTH:
        raise RenderLimitError(f"a text grows beyond {MAX_TEXT_LENGTH} characters")
    charge_budget(context, 1 + length // 64)
    return "".join(texts)


def text_of(value: Any) -> str:
    """A value as text. Lists, dictionaries, true and false cannot be printed."""
    if type(value) is str:
        return value
    if type(value) is int or type(value) is float:
        return str(value)
    if isinstance(value, Missing):
        value._fail_with_undefined_error()
    names = {"bool": "true or false", "list": "a list", "dict": "a group of values"}
    raise NotPlainDataError(f"{names.get(type(value).__name__, 'this')} cannot be printed")


class _Guard(NodeTransformer):
    """Puts the charging filters around loops and `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        weight = 1 + sum(1 for child in node.body for _ in child.find_all(nodes.Node))
        node = self.generic_visit(node)  # type: ignore[assignment]
        node.iter = _filter(node.iter, "_each", nodes.Const(weight, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter(nodes.Tuple(node.nodes, "load", lineno=node.lineno), "_concat")


def _filter(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(
        cast("nodes.Expr", node), name, list(arguments), [], None, None, lineno=node.lineno
    )


def compile_part(environment: DataEnvironment, source: str, filename: str) -> CodeType:
    """Compile the source of one part. Raises TemplateSyntaxError, SyntaxError.

    Publish has already checked it, with better messages. This check enforces the grammar.
    """
    return compile_tree(environment, environment.parse(source), filename)


def compile_tree(environment: DataEnvironment, parsed: nodes.Template, filename: str) -> CodeType:
    """Compile a parsed tree and change it. Raises the errors of `compile_part`."""
    check_depth(parsed)
    for node in parsed.find_all(nodes.Node):
        line = node.lineno or 1
        if not isinstance(node, GRAMMAR) or (isinstance(node, nodes.For) and node.recursive):
            raise TemplateSyntaxError(f"{type(node).__name__} is not available", line)
        if isinstance(node, nodes.Output) and not all(map(_printed_safely, node.nodes)):
            raise TemplateSyntaxError("a value is printed without a filter for its place", line)
    tree = _Guard().visit(parsed)
    tree.set_environment(environment)
    return environment.compile(tree, filename=filename)


def _printed_safely(node: nodes.Node) -> bool:
    return isinstance(node, nodes.TemplateData) or (
        isinstance(node, nodes.Filter) and node.name.startswith("_")
    )


def check_depth(tree: nodes.Template) -> None:
    """Raise TemplateSyntaxError if the tree is nested too deeply."""
    depth, level = 0, [cast("nodes.Node", tree)]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            line = level[0].lineno or 1
            raise TemplateSyntaxError(f"is nested more than {MAX_DEPTH} deep", line)
        level = [child for node in level for child in node.iter_child_nodes()]


def environment(html: bool, filters: Mapping[str, Any]) -> DataEnvironment:
    """Build the environment of the HTML part or of the plain parts, with only these filters."""
    built = DataEnvironment(undefined=Missing, autoescape=html, cache_size=0)
    built.filters = dict(filters)
    built.tests = {name: built.tests[name] for name in TESTS}
    built.globals = {}
    return built
