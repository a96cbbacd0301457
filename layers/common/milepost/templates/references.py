"""Find the variables that a published template uses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from jinja2 import nodes

from milepost.templates.check import dotted_path
from milepost.templates.rendering import ENVIRONMENTS
from milepost.templates.sandbox import Part
from milepost.templates.version import TemplateVersion


def steps_used(version: TemplateVersion) -> set[str]:
    """The ids of the steps whose outcome a template uses: `{{ steps.crm.body.tier }}`."""
    return {
        name
        for locale in version.locales
        for part, source in version.variant(locale).sources.items()
        for name in _read(part, source).parts_of("steps")
    }


def template_mentions(version: TemplateVersion, root: str, name: str) -> bool:
    """Whether a template uses `root.name` anywhere, in any language."""
    return any(
        name in _read(part, source).parts_of(root)
        for locale in version.locales
        for part, source in version.variant(locale).sources.items()
    )


def always_prints(source: str, html: bool, root: str, name: str) -> bool:
    """Whether a compiled part prints `root.name` for every recipient: outside of all conditions and
    loops."""
    return f"{root}.{name}" in _read("html" if html else "text", source).printed_for_all


def cache_contents(part: Part, source: str, tree: nodes.Template) -> None:
    """Cache the variables of a part from its parsed tree; `tree` is the unchanged source's."""
    _KNOWN[part, source] = _contents(tree)
    if len(_KNOWN) > _MAX_KNOWN:
        del _KNOWN[next(iter(_KNOWN))]


class _Contents(NamedTuple):
    """The variables that a compiled part uses."""

    parts: Mapping[str, frozenset[str]]
    """The fields of each variable, by the variable's name."""
    printed_for_all: frozenset[str]
    """Dotted paths that are printed outside of all conditions and loops."""

    def parts_of(self, root: str) -> frozenset[str]:
        return self.parts.get(root, frozenset())


_MAX_KNOWN = 512
_KNOWN: dict[tuple[Part, str], _Contents] = {}
"""A cache, because publishing a template and every workflow that uses it reads the same parts. The
oldest entry is first."""


def _read(part: Part, source: str) -> _Contents:
    if (part, source) not in _KNOWN:
        cache_contents(part, source, ENVIRONMENTS[part].parse(source))
    return _KNOWN[part, source]


def _contents(tree: nodes.Template) -> _Contents:
    parts: dict[str, set[str]] = {}
    for root, name in _parts(tree):
        parts.setdefault(root, set()).add(name)
    printed = (
        path
        for output in tree.body
        if isinstance(output, nodes.Output)
        for path in _sure_paths(output.nodes)
    )
    return _Contents({root: frozenset(names) for root, names in parts.items()}, frozenset(printed))


def _parts(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    for dotted in tree.find_all(nodes.Getattr):
        if isinstance(dotted.node, nodes.Name):
            yield dotted.node.name, dotted.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.node, nodes.Name) and isinstance(item.arg, nodes.Const):
            yield item.node.name, str(item.arg.value)


def _sure_paths(printed: Iterable[nodes.Expr]) -> Iterator[str]:
    for node in printed:
        inner: nodes.Node | None = node
        while isinstance(inner, nodes.Filter):
            inner = inner.node
        if inner is not None:
            yield dotted_path(inner)
