"""How large a mail's HTML is: estimated at publish, known at send.

Gmail shows the first 102 KB and cuts off the rest, which is where the unsubscribe link and the
postal address stand.
"""

from collections.abc import Iterable

from jinja2 import nodes

CLIPPED = 102 * 1024
"""Bytes of HTML that Gmail shows."""

_TRACKED = 160
"""What a link grows by when SES leads it through its own address to count clicks."""

_ROUNDS = 10
"""How often a loop without a limit of its own (`products[:8]`) is taken to run."""

_TYPICAL = {"_link": 80, "_visit": 170, "_mark": 90, "_link_part": 24, "_style": 8}
_WORDS = 24


def is_clipped(html: str) -> bool:
    """Whether Gmail would cut this mail off, with what SES adds for counting clicks."""
    if len(html) * 4 < CLIPPED // 2:
        return False  # whatever its letters take, and half of it for links
    return html_size(html) > CLIPPED


def html_size(html: str) -> int:
    """Bytes of finished HTML as they arrive."""
    return len(html.encode()) + _TRACKED * html.count("href=")


def estimate(tree: nodes.Template) -> int:
    """Bytes that the tree of a compiled HTML part comes to with values of usual length.

    Every condition is taken to go the longer way; a loop runs as often as its slice allows, else
    ten times.
    """
    return _all(tree.body)


def _all(found: Iterable[nodes.Node]) -> int:
    return sum(map(_of, found))


def _of(node: nodes.Node) -> int:
    if isinstance(node, nodes.TemplateData):
        return html_size(node.data)
    if isinstance(node, nodes.Output):
        return _all(node.nodes)
    if isinstance(node, nodes.If):
        others = [_all(other.body) for other in node.elif_]
        return max(_all(node.body), _all(node.else_), *others)
    if isinstance(node, nodes.For):
        return max(_rounds(node.iter) * _all(node.body), _all(node.else_))
    if isinstance(node, nodes.Filter):
        return _TYPICAL.get(node.name, _WORDS)
    return 0


def _rounds(iterated: nodes.Node) -> int:
    if isinstance(iterated, nodes.List | nodes.Tuple):
        return len(iterated.items)
    if isinstance(iterated, nodes.Getitem) and isinstance(iterated.arg, nodes.Slice):
        stop = iterated.arg.stop
        if isinstance(stop, nodes.Const) and type(stop.value) is int and stop.value > 0:
            return stop.value
    return _ROUNDS
