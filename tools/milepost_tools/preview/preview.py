"""A template rendered in one language as far as possible, with its findings."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from milepost.base.problems import Problem
from milepost.templates.rendering import Rendered, Renderer, RenderingError
from milepost.templates.utm import Campaign
from milepost_tools.preview.lint import LintFinding, lint

MAX_MISSING = 30
_IS_MISSING = " is missing"


class Preview(NamedTuple):
    """`locale` is the language. The mail is None if a missing value cannot be replaced."""

    locale: str
    mail: Rendered | None
    remarks: tuple[LintFinding, ...]

    @property
    def wrong(self) -> bool:
        return any(remark.wrong for remark in self.remarks)


def preview(
    renderer: Renderer,
    context: Mapping[str, Any],
    locale: str,
    campaign: Campaign | None = None,
) -> Preview:
    """Render a template. Report every missing value and show its name in its place.

    A send stops at the first missing value; the preview reports them all at once.
    """
    remarks: list[LintFinding] = []
    missing: set[str] = set()
    while True:
        try:
            mail = renderer.render(context, locale, campaign)
        except RenderingError as error:
            name = error.reason.removesuffix(_IS_MISSING)
            remarks.append(LintFinding(_missing(error)))
            filled = (
                _with_value(context, name.split("."), f"[{name}]") if name != error.reason else None
            )
            if filled is None or name in missing or len(missing) >= MAX_MISSING:
                return Preview(locale, None, tuple(remarks))
            missing.add(name)
            context = filled
        else:
            return Preview(mail.locale, mail, (*remarks, *lint(mail)))


def _missing(error: RenderingError) -> Problem:
    if not error.reason.endswith(_IS_MISSING):
        return Problem(error.part, error.reason)
    name = error.reason.removesuffix(_IS_MISSING)
    root, _, rest = name.partition(".")
    if root == "contact":
        remedy = f'give it in the file of --contact, or write {name} | default("…")'
    elif root == "event":
        remedy = f'give it with --set {rest}=…, or write {name} | default("…")'
    else:
        remedy = f'write {name} | default("…")'
    return Problem(error.part, error.reason, remedy)


def _with_value(data: Mapping[str, Any], path: list[str], value: str) -> dict[str, Any] | None:
    """A copy with one more value; None if the path cannot be set, as inside a loop."""
    first, *rest = path
    if not rest:
        return {**data, first: value}
    inner = data.get(first)
    if not isinstance(inner, Mapping):
        return None
    changed = _with_value(inner, rest, value)
    return None if changed is None else {**data, first: changed}
