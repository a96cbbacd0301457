"""The size of an e-mail's HTML: estimated at publish, measured at send.

Gmail shows the first 102 KB and cuts off the rest, which usually holds the unsubscribe link and the
postal address.
"""

from collections.abc import Iterable

from jinja2 import nodes

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
