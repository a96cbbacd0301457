"""What a published template speaks of."""

from collections.abc import Iterator
from functools import lru_cache

from jinja2 import nodes

from milepost.templates.rendering import ENVIRONMENTS
from milepost.templates.sandbox import Part
from milepost.templates.version import TemplateVersion


def steps_used(version: TemplateVersion) -> set[str]:
    """The ids of the steps whose outcome a template shows: `{{ steps.crm.body.tier }}`."""
    return {
        name
        for locale in version.locales
        for part, source in version.variant(locale).sources.items()
        for name in _in_source(part, source, "steps")
    }


def template_mentions(version: TemplateVersion, root: str, name: str) -> bool:
    """Whether a template speaks of `root.name` anywhere, in any language."""
    return any(
        name in _in_source(part, source, root)
        for locale in version.locales
        for part, source in version.variant(locale).sources.items()
    )


@lru_cache(maxsize=512)
def _in_source(part: Part, source: str, root: str) -> frozenset[str]:
    """Kept, for every workflow that sends a template asks it again."""
    return frozenset(_parts_of(ENVIRONMENTS[part].parse(source), root))


def _parts_of(tree: nodes.Template, root: str) -> Iterator[str]:
    for dotted in tree.find_all(nodes.Getattr):
        if _is(dotted.node, root):
            yield dotted.attr
    for item in tree.find_all(nodes.Getitem):
        if _is(item.node, root) and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value)


def _is(node: nodes.Node, root: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == root
