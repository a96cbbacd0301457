"""What a published template speaks of."""

from collections.abc import Iterator
from functools import lru_cache

from jinja2 import nodes

from milepost.domain.templates.rendering import ENVIRONMENTS
from milepost.domain.templates.sandbox import Part
from milepost.domain.templates.versions import TemplateVersion


def steps_used(version: TemplateVersion) -> set[str]:
    """The ids of the steps whose outcome a template shows: `{{ steps.crm.body.tier }}`."""
    return {
        name
        for locale in version.locales
        for part, source in version.variant(locale).sources.items()
        for name in _in_source(part, source)
    }


@lru_cache(maxsize=512)
def _in_source(part: Part, source: str) -> frozenset[str]:
    """Kept, for every workflow that sends a template asks it again."""
    return frozenset(_of_steps(ENVIRONMENTS[part].parse(source)))


def _of_steps(tree: nodes.Template) -> Iterator[str]:
    for dotted in tree.find_all(nodes.Getattr):
        if _is_steps(dotted.node):
            yield dotted.attr
    for item in tree.find_all(nodes.Getitem):
        if _is_steps(item.node) and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value)


def _is_steps(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "steps"
