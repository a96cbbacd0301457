"""Compile the files of one template folder into an immutable version, at publish.

    subject.txt             one line
    preheader.txt           optional; the text that an inbox shows after the subject
    body.mjml | body.html   may extend and include files of `_layout`
    body.txt                optional; otherwise derived from the body
    strings.<locale>.json   texts, flat or nested, used as {{ t.key }}; values may hold Jinja

A template with texts is compiled for every language of the store, one without texts only for the
default. All checks that need no contact are made here, and all their errors are reported together.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from jinja2 import TemplateError, nodes

from milepost.base import languages
from milepost.base.problems import Problem
from milepost.templates.check import analyze, check_syntax
from milepost.templates.htmltext import derive_text
from milepost.templates.markup import mask_jinja, plain_source, restore, unmask_jinja
from milepost.templates.mjml import compile_html, compile_mjml
from milepost.templates.references import always_prints, cache_contents
from milepost.templates.rendering import CLIPPED, ENVIRONMENTS, estimate
from milepost.templates.sandbox import Part, compile_tree
from milepost.templates.source import (
    LAYOUT,
    InvalidTemplateError,
    SourcePiece,
    Sources,
    localize,
    tokenize,
)
from milepost.templates.version import MAX_BYTES, TemplateVersion, Variant, compress_part

if TYPE_CHECKING:
    from types import CodeType


COMPILER = "2"
"""Part of every hash: increase it when the same files compile to another result."""

_MAX_SOURCE = 256 * 1024
_BODY = re.compile(r"<body(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_BODY_MARK = "\ue005"
_PADDING = "&#8199;&#65279;&#847; " * 40
"""Invisible characters after a preheader, so that the inbox does not show the body after it."""


@dataclass(slots=True)
class _Build:
    name: str
    sources: Sources
    default_locale: str
    problems: list[Problem] = field(default_factory=list)

    def report(self, *found: Problem) -> None:
        self.problems += [p for p in found if p not in self.problems]


def compile_template(
    name: str,
    files: Mapping[str, str],
    layout: Mapping[str, str],
    default_locale: str,
    locales: Sequence[str],
) -> TemplateVersion | tuple[Problem, ...]:
    """Compile a template, or return all its problems.

    `name` is the folder below `templates/`, `files` its files by name, `layout` those of
    `templates/_layout/`. `locales` are the languages of the store; `zh-TW` uses
    `strings.zh-Hant.json`, `en-GB` uses `strings.en.json`.
    """
    build = _Build(name, Sources(name, files, layout), default_locale)
    _check_files(build, files, layout)
    if build.problems:
        return tuple(sorted(build.problems))
    variants: dict[str, Variant] = {}
    for locale in _languages(build, files, locales):
        texts = _texts(build, locale, files, layout)
        if texts is not None and (variant := _variant(build, locale, texts)):
            variants[locale] = variant
    if build.problems:
        return tuple(sorted(build.problems))
    packed = {locale: compress_part(variant) for locale, variant in variants.items()}
    if (size := sum(map(len, packed.values()))) > MAX_BYTES:
        reason = f"takes {size // 1024} KB in all languages, at most {MAX_BYTES // 1024} KB"
        return (Problem(build.sources.folder, reason, "shorten the body or the layout"),)
    return TemplateVersion(name, _hash(name, files, layout, variants), next(iter(packed)), packed)


def check_marketing(version: TemplateVersion) -> list[Problem]:
    """Check, for each language, that the template has what the law requires of marketing e-mail.

    The HTML and the text part must print the unsubscribe link and the postal address for every
    recipient.
    """
    found: list[Problem] = []
    for root, key, reason in (
        ("urls", "unsubscribe", "has no unsubscribe link"),
        ("store", "postal_address", "does not show the store's postal address"),
    ):
        if parts := missing_parts(version, root, key):
            place = f"templates/{version.name}: {', '.join(parts)}"
            remedy = f"marketing mail needs {{{{ {root}.{key} }}}} outside of conditions"
            found.append(Problem(place, reason, remedy))
    return found


def missing_parts(version: TemplateVersion, root: str, key: str) -> list[str]:
    """The parts, by language, that do not print `root.key` for every recipient."""
    sources = {locale: version.variant(locale).sources for locale in version.locales}
    return [
        f"{'body' if part == 'html' else 'text part'} in {locale}"
        for locale in version.locales
        for part in ("html", "text")
        if not always_prints(sources[locale][part], part == "html", root, key)
    ]


def _check_files(build: _Build, files: Mapping[str, str], layout: Mapping[str, str]) -> None:
    folder = build.sources.folder
    if "subject.txt" not in files:
        build.report(Problem(folder, "has no subject.txt"))
    elif not files["subject.txt"].strip():
        build.report(Problem(f"{folder}/subject.txt", "is empty", "write one line"))
    bodies = [key for key in ("body.mjml", "body.html") if key in files]
    if len(bodies) != 1:
        reason = "has both body.mjml and body.html" if bodies else "has no body.mjml or body.html"
        build.report(Problem(folder, reason, "one of them is the body"))
    for shared, group in ((folder, files), (f"templates/{LAYOUT}", layout)):
        for key, text in group.items():
            path = f"{shared}/{key}"
            if len(text) > _MAX_SOURCE:
                build.report(Problem(path, f"is longer than {_MAX_SOURCE // 1024} KB"))
            elif key.endswith((".txt", ".mjml", ".html")):
                try:
                    build.report(*check_syntax(tokenize(text, path)))
                except InvalidTemplateError as broken:
                    build.report(broken.problem)


def _languages(build: _Build, files: Mapping[str, str], locales: Sequence[str]) -> list[str]:
    """The languages to compile, the default first: those of the files that fit the store's."""
    available = _translated(files)
    if not available:
        return [build.default_locale]
    chosen: dict[str, None] = {}
    for locale in (build.default_locale, *locales):
        language = languages.choose(locale, available, "")
        if not language:
            reason = f"has no strings.{locale}.json, and the store writes in {locale}"
            build.report(Problem(build.sources.folder, reason))
        else:
            chosen[language] = None
    return list(chosen)


def _translated(files: Mapping[str, str]) -> list[str]:
    return [
        key.removeprefix("strings.").removesuffix(".json")
        for key in files
        if key.startswith("strings.") and key.endswith(".json")
    ]


def _texts(
    build: _Build, locale: str, files: Mapping[str, str], layout: Mapping[str, str]
) -> dict[str, SourcePiece] | None:
    """The texts of one language by dotted key, the template's own before the layout's.

    None when a file cannot be read.
    """
    texts: dict[str, SourcePiece] = {}
    for folder, group in ((f"templates/{LAYOUT}", layout), (build.sources.folder, files)):
        file = f"strings.{languages.choose(locale, _translated(group), '')}.json"
        if file not in group:
            continue
        path = f"{folder}/{file}"
        try:
            document = json.loads(group[file])
        except ValueError as error:
            place = f"{path}:{getattr(error, 'lineno', 1)}"
            build.report(Problem(place, f"is not JSON: {getattr(error, 'msg', error)}"))
            return None
        for key, value in _flatten(document, ""):
            if not isinstance(value, str):
                build.report(Problem(path, f'"{key}" is not a text'))
                continue
            piece = SourcePiece("words", value, f"{path} [{key}]", 0)
            texts[key] = piece
            try:
                wrong = check_syntax(tokenize(value, piece.file))
                build.report(*(Problem(piece.file, p.reason, p.remedy) for p in wrong))
            except InvalidTemplateError as broken:
                build.report(Problem(piece.file, broken.problem.reason))
    return texts


def _flatten(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def _variant(build: _Build, locale: str, texts: Mapping[str, SourcePiece]) -> Variant | None:
    """Compile one language; None if there are problems."""
    direction = languages.direction(locale)
    sides = ("right", "left") if direction == "rtl" else ("left", "right")
    constants = {
        key: [SourcePiece("words", value, "", 0)]
        for key, value in (
            ("lang", locale),
            ("dir", direction),
            ("start", sides[0]),
            ("end", sides[1]),
        )
    }
    problems_before = len(build.problems)

    def part(file: str) -> list[SourcePiece]:
        missing_from = f"{build.sources.folder}/strings.{locale}.json"
        try:
            pieces = localize(
                build.sources.assemble(file), texts, constants, build.problems, missing_from
            )
        except InvalidTemplateError as broken:
            build.report(broken.problem)
            return []
        build.report(*analyze(pieces))
        return pieces

    constants["subject"] = part("subject.txt")
    constants["preheader"] = part("preheader.txt") if "preheader.txt" in build.sources else []
    body_file = "body.mjml" if "body.mjml" in build.sources else "body.html"
    body = part(body_file)
    text = part("body.txt") if "body.txt" in build.sources else None
    if len(build.problems) > problems_before:
        return None
    masked = mask_jinja(body)
    html = compile_mjml(masked) if body_file == "body.mjml" else compile_html(masked)
    if masked.problems:
        build.report(*masked.problems)
        return None
    body_tag = _BODY.search(html)
    if not body_tag:
        reason = "makes no <body>"
        build.report(Problem(f"{build.sources.folder}/{body_file}", reason))
        return None
    marked_html = f"{html[: body_tag.end()]}{_BODY_MARK}{html[body_tag.end() :]}"
    preheader = plain_source(constants["preheader"], direction, escaped=True)
    preheader_block = _preheader_block(preheader) if preheader else ""
    source = unmask_jinja(masked, marked_html, direction).replace(_BODY_MARK, preheader_block, 1)
    build.report(*masked.problems)
    tree = None if masked.problems else _parse(source)
    if tree is not None:
        build.report(*_check_size(tree, f"{build.sources.folder}/{body_file}", locale))
    if len(build.problems) > problems_before:
        return None
    if text is None:
        plain_text = restore(derive_text(html), masked.pieces, direction)
    else:
        plain_text = plain_source(text, direction)
    sources: dict[Part, str] = {
        "subject": plain_source(constants["subject"], direction),
        "preheader": plain_source(constants["preheader"], direction),
        "html": source,
        "text": plain_text,
    }
    return _with_code(build, locale, sources, tree)


def _parse(html: str) -> nodes.Template | None:
    """The tree of an HTML part; None if it cannot be parsed, which `_with_code` reports."""
    try:
        return ENVIRONMENTS["html"].parse(html)
    except (TemplateError, RecursionError, ValueError):
        return None


def _check_size(tree: nodes.Template, place: str, locale: str) -> Iterator[Problem]:
    try:
        size = estimate(tree)
    except (RecursionError, ValueError):
        return  # `_with_code` reports it
    if size > CLIPPED:
        reason = f"makes about {size // 1024} KB of HTML in {locale}, and Gmail clips at 102 KB"
        yield Problem(place, reason, "shorten the body or the layout, or limit a loop: items[:8]")


def _with_code(
    build: _Build, locale: str, sources: Mapping[Part, str], html: nodes.Template | None
) -> Variant | None:
    code: dict[Part, CodeType] = {}
    for part, source in sources.items():
        try:
            parsed = html if part == "html" else None
            tree = parsed or ENVIRONMENTS[part].parse(source)
            cache_contents(part, source, tree)
            code[part] = compile_tree(ENVIRONMENTS[part], tree, f"{build.name} ({locale})")
        except (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = f"the {part} in {locale} cannot be compiled: {error}"
            build.report(Problem(build.sources.folder, reason))
    return Variant(sources, code) if len(code) == len(sources) else None


def _preheader_block(source: str) -> str:
    """The hidden block at the start of the body, where inboxes find the preheader."""
    return (
        '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;'
        f'overflow:hidden;mso-hide:all">{source}{_PADDING}</div>'
    )


def _hash(
    name: str, files: Mapping[str, str], layout: Mapping[str, str], variants: Mapping[str, Variant]
) -> str:
    """The hash of the sources and of the result, so that another MJML compiler gives another
    version."""
    content = [
        COMPILER,
        name,
        sorted(files.items()),
        sorted(layout.items()),
        [(locale, sorted(variant.sources.items())) for locale, variant in variants.items()],
    ]
    return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:16]
