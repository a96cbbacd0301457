"""Compile MJML to e-mail HTML, and inline the styles of HTML. Both inputs contain stand-ins."""

import re

from milepost.base.problems import Problem, did_you_mean
from milepost.templates.markup import MaskedTemplate

_MJML = frozenset(
    [
        "mjml",
        "mj-head",
        "mj-attributes",
        "mj-all",
        "mj-class",
        "mj-breakpoint",
        "mj-font",
        "mj-html-attributes",
        "mj-selector",
        "mj-html-attribute",
        "mj-preview",
        "mj-style",
        "mj-title",
        "mj-raw",
        "mj-body",
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-column",
        "mj-divider",
        "mj-group",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-section",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-table",
        "mj-text",
        "mj-wrapper",
    ]
)
_MJML_TAG = re.compile(r"<(/?)(mj[\w-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UNQUOTED_VALUE = re.compile(r"=\s*[^\s\"'>]")


def compile_mjml(masked: MaskedTemplate) -> str:
    """Compile MJML to HTML with the stand-ins in place. If it fails, return an empty text and add
    problems to `masked`."""
    if not masked.problems:
        masked.problems += _check(masked)
    if masked.problems:
        return ""
    import mrml  # at publish only

    options = mrml.ParserOptions(include_loader=mrml.noop_loader())
    try:
        return str(mrml.to_html(masked.text, parser_options=options).content)
    except BaseException as error:
        if not isinstance(error, OSError) and type(error).__name__ != "PanicException":
            raise
        position = re.search(r"position (\d+)", str(error))
        place = masked.place(int(position[1])) if position else masked.origins[0].file
        remedy = "every element must be closed and every attribute quoted"
        masked.problems.append(Problem(place, f"is not valid MJML: {error}", remedy))
        return ""


MAX_DEPTH = 400
"""The maximum depth of elements: the inliner recurses, and thousands of levels crash it."""

_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)(?:\"[^\"]*\"|'[^']*'|[^'\">])*?(/?)>")
_OPTIONAL_END_TAGS = frozenset(
    {
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link",
        "meta", "option", "p", "source", "td", "th", "tr", "wbr",
    }
)  # fmt: skip


def _depth(html: str) -> int:
    """The maximum depth of elements; never less than the depth that a parser finds."""
    depth = deepest = 0
    for tag in _TAG.finditer(html):
        closing, name, self_closing = tag.groups()
        if self_closing or name.lower() in _OPTIONAL_END_TAGS:
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest


def compile_html(masked: MaskedTemplate) -> str:
    """Inline the styles of an HTML body; media queries stay. No remote style sheet is loaded."""
    if masked.problems:
        return ""
    if _depth(masked.text) > MAX_DEPTH:
        place = masked.origins[0].file if masked.origins else "template"
        masked.problems.append(Problem(place, f"is nested deeper than {MAX_DEPTH} elements"))
        return ""
    import css_inline  # at publish only

    try:
        return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False).inline(
            masked.text
        )
    except css_inline.InlineError as error:
        place = masked.origins[0].file if masked.origins else "template"
        remedy = "conditions in styles go around values, as in color: {% if … %}red{% endif %}"
        masked.problems.append(Problem(place, f"a style cannot be read: {error}", remedy))
        return ""


def _check(masked: MaskedTemplate) -> list[Problem]:
    """Find errors that the MJML compiler would report without a place, or ignore."""
    problems: list[Problem] = []
    open_tags: list[tuple[str, int]] = []
    for tag in _MJML_TAG.finditer(masked.text):
        closing, name, attributes, self_closing = tag.groups()
        place = masked.place(tag.start())
        if name not in _MJML:
            remedy = "use {% include %}" if name == "mj-include" else did_you_mean(name, _MJML)
            problems.append(Problem(place, f"there is no <{name}>", remedy))
        elif _UNQUOTED_VALUE.search(_QUOTED.sub('""', attributes)):
            problems.append(Problem(place, f"an attribute of <{name}> has no quotes"))
        if not closing:
            if not self_closing:
                open_tags.append((name, tag.start()))
        elif open_tags and open_tags[-1][0] == name:
            open_tags.pop()
        elif open_tags:
            remedy = f"close <{open_tags[-1][0]}> of {masked.place(open_tags[-1][1])} first"
            return [*problems, Problem(place, f"</{name}> does not fit", remedy)]
        else:
            return [*problems, Problem(place, f"</{name}> closes nothing")]
    problems += [Problem(masked.place(at), f"<{name}> is never closed") for name, at in open_tags]
    return problems
