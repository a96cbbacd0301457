"""Who uses what: published workflows and the topics and templates they mail with."""

from collections.abc import Iterator

from milepost.domain.program import Program, templates_of
from milepost.ports import Head, Publications


def programs(publications: Publications, store: str, head: Head) -> Iterator[Program]:
    """The workflows that are not archived, by name."""
    for name, live in sorted(head.workflows.items()):
        if live.status != "archived":
            yield publications.program(store, name, live.version)


def topics(program: Program) -> set[str]:
    """The topics that a workflow mails about, as far as it names them."""
    named = {program.head.get("topic"), *(n.get("topic") for n in program.nodes.values())}
    return {topic for topic in named if topic}


def sends(program: Program, template: str, category: str | None = None) -> bool:
    """Whether a workflow sends this template; in this category, if one is given."""
    return any(
        template in templates_of(node)
        and category in (None, node.get("category") or program.head["category"])
        for node in program.nodes.values()
    )
