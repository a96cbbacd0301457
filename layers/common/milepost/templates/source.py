"""Assemble the files of a template into pieces, with the layout, includes and one language's texts.

Publish resolves three things:

    {% extends "layout.mjml" %}   the template fills the layout's `{% block name %}`s
    {% include "products.mjml" %} a file of the template's own folder, else of `_layout`
    {{ t.greeting }}              a text of `strings.<locale>.json`, which may hold expressions

Every piece keeps its file and line, for error messages.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError

from milepost.base.problems import Problem, did_you_mean

LAYOUT = "_layout"

_LEXER = Environment(trim_blocks=True, lstrip_blocks=True)
_MAX_DEPTH = 8
_STRUCTURE = re.compile(r"(extends|include|import|from|block|endblock)\b\s*(.*)", re.DOTALL)
_FILE = re.compile(r"""["']([\w./-]+)["']""")
_TEXT = re.compile(r"t((?:\.[A-Za-z_]\w*)+)")


@dataclass(frozen=True, slots=True)
class SourcePiece:
    """A piece of a template.

    `text` is copied unchanged. `words` is plain text of a language file and is escaped for its
    place. `output` is the inside of `{{ }}`, `statement` that of `{% %}`. With `line` 0, `file`
    alone is the place.
    """

    kind: Literal["text", "words", "output", "statement"]
    source: str
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class InvalidTemplateError(Exception):
    """A file cannot be read as a template; it has the problem."""

    def __init__(self, place: str, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.problem = Problem(place, reason, remedy)


@lru_cache(maxsize=256)
def tokenize(source: str, file: str) -> tuple[SourcePiece, ...]:
    """Split a source into pieces, without comments. Raises InvalidTemplateError.

    The result is cached, because every language of a template and every template with the same
    layout needs it.
    """
    pieces: list[SourcePiece] = []
    inside: list[str] = []
    start_line, is_open = 0, False
    try:
        for line, token, value in _LEXER.lexer.tokeniter(source, None, file):
            if token in ("variable_begin", "block_begin"):
                inside, start_line = [], line
                is_open = True
            elif token in ("variable_end", "block_end"):
                kind: Literal["output", "statement"] = (
                    "output" if token == "variable_end" else "statement"
                )
                pieces.append(SourcePiece(kind, "".join(inside).strip(), file, start_line))
                is_open = False
            elif token == "data":
                pieces.append(SourcePiece("text", value, file, line))
            elif token in ("raw_begin", "raw_end"):
                raise InvalidTemplateError(f"{file}:{line}", "raw blocks are not available")
            elif not token.startswith("comment"):
                inside.append(value)
    except TemplateSyntaxError as error:
        remedy = 'in a style, write "{ #" with a space' if "comment" in str(error.message) else ""
        raise InvalidTemplateError(f"{file}:{error.lineno}", str(error.message), remedy) from None
    if is_open:
        raise InvalidTemplateError(f"{file}:{start_line}", "these braces are never closed")
    return tuple(pieces)


class Sources:
    """The files of one template and of the shared layout, by the path that problems show."""

    def __init__(self, name: str, files: Mapping[str, str], layout: Mapping[str, str]) -> None:
        self.folder = f"templates/{name}"
        self._files = {f"{self.folder}/{key}": text for key, text in files.items()}
        self._files |= {f"templates/{LAYOUT}/{key}": text for key, text in layout.items()}

    def __contains__(self, file: str) -> bool:
        return f"{self.folder}/{file}" in self._files

    def assemble(self, file: str) -> list[SourcePiece]:
        """The pieces of one part with its layout and includes. Raises InvalidTemplateError."""
        return self._assemble(f"{self.folder}/{file}", {}, 0)

    def _assemble(
        self, path: str, blocks: Mapping[str, Sequence[SourcePiece]], depth: int
    ) -> list[SourcePiece]:
        pieces = tokenize(self._files[path], path)
        start, first = next(
            ((n, p) for n, p in enumerate(pieces) if p.kind != "text" or p.source.strip()),
            (0, SourcePiece("text", "", path, 1)),
        )
        if parent := _file_named(first, "extends"):
            if depth > _MAX_DEPTH:
                raise InvalidTemplateError(first.place, "layouts extend each other in a circle")
            filled = {**_blocks(pieces[start + 1 :]), **blocks}
            found = self._find(parent, first, layout_first=True)
            return self._assemble(found, filled, depth + 1)
        used: set[str] = set()
        expanded = self._expand(pieces, blocks, used, depth)
        for name in sorted(blocks.keys() - used):
            known = [block for piece in pieces if (block := _block_name(piece))]
            place = next((piece.place for piece in blocks[name]), path)
            remedy = did_you_mean(name, known) or f"it has: {', '.join(known)}"
            raise InvalidTemplateError(place, f'{path} has no block "{name}"', remedy)
        return expanded

    def _expand(
        self,
        pieces: Sequence[SourcePiece],
        blocks: Mapping[str, Sequence[SourcePiece]],
        used: set[str],
        depth: int,
    ) -> list[SourcePiece]:
        if depth > _MAX_DEPTH:
            raise InvalidTemplateError(
                pieces[0].place if pieces else self.folder, "files include each other"
            )
        expanded: list[SourcePiece] = []
        position = 0
        while position < len(pieces):
            piece = pieces[position]
            position += 1
            structure = _STRUCTURE.match(piece.source) if piece.kind == "statement" else None
            if not structure:
                expanded.append(piece)
            elif structure[1] == "include" and (file := _file_named(piece, "include")):
                found = self._find(file, piece)
                included = tokenize(self._files[found], found)
                expanded += self._expand(included, blocks, used, depth + 1)
            elif structure[1] == "block" and (name := _block_name(piece)):
                end = _closing(pieces, position)
                used.add(name)
                inner = blocks.get(name, pieces[position:end])
                expanded += self._expand(inner, blocks, used, depth + 1)
                position = end + 1
            else:
                raise InvalidTemplateError(
                    piece.place,
                    f"{piece.source!r} cannot stand here",
                    'extends comes first; include takes a file name, as in {% include "a.mjml" %}',
                )
        return expanded

    def _find(self, file: str, piece: SourcePiece, layout_first: bool = False) -> str:
        folders = [self.folder, f"templates/{LAYOUT}"]
        for folder in reversed(folders) if layout_first else folders:
            if f"{folder}/{file}" in self._files:
                return f"{folder}/{file}"
        known = [path.rpartition("/")[2] for path in self._files]
        raise InvalidTemplateError(
            piece.place, f'there is no file "{file}"', did_you_mean(file, known)
        )


def _file_named(piece: SourcePiece, keyword: str) -> str:
    structure = _STRUCTURE.match(piece.source) if piece.kind == "statement" else None
    file = _FILE.fullmatch(structure[2].strip()) if structure else None
    return file[1] if structure and structure[1] == keyword and file else ""


def _block_name(piece: SourcePiece) -> str:
    match = re.fullmatch(r"block\s+(\w+)", piece.source) if piece.kind == "statement" else None
    return match[1] if match else ""


def _closing(pieces: Sequence[SourcePiece], start: int) -> int:
    depth = 1
    for position in range(start, len(pieces)):
        piece = pieces[position]
        if piece.kind == "statement":
            depth += bool(_block_name(piece))
            depth -= bool(re.match(r"endblock\b", piece.source))
            if not depth:
                return position
    raise InvalidTemplateError(
        pieces[start - 1].place, "this block is never closed", "add {% endblock %}"
    )


def _blocks(pieces: Sequence[SourcePiece]) -> dict[str, Sequence[SourcePiece]]:
    blocks: dict[str, Sequence[SourcePiece]] = {}
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        position += 1
        if name := _block_name(piece):
            end = _closing(pieces, position)
            blocks[name] = pieces[position:end]
            position = end + 1
        elif piece.kind != "text" or piece.source.strip():
            raise InvalidTemplateError(
                piece.place,
                "what stands outside a block is lost in a template that extends a layout",
                "move it into a block",
            )
    return blocks


def localize(
    pieces: list[SourcePiece],
    texts: Mapping[str, SourcePiece],
    constants: Mapping[str, list[SourcePiece]],
    problems: list[Problem],
    missing_from: str,
) -> list[SourcePiece]:
    """Replace `{{ t.key }}` and `{{ name }}` by one language's texts and constants.

    A missing key is reported once, for `missing_from`, the file to which it must be added.
    """

    def put(pieces: Sequence[SourcePiece], depth: int) -> Iterator[SourcePiece]:
        for piece in pieces:
            key = _TEXT.fullmatch(piece.source) if piece.kind == "output" else None
            if piece.kind == "output" and piece.source in constants:
                yield from constants[piece.source]
            elif not key:
                yield piece
            elif (text := texts.get(key[1][1:])) is None:
                reason = f'has no text "{key[1][1:]}"'
                if not any(p.location == missing_from and reason in p.reason for p in problems):
                    reason = f"{reason}, which {piece.file} needs"
                    remedy = did_you_mean(key[1][1:], texts)
                    problems.append(Problem(missing_from, reason, remedy))
            elif depth > _MAX_DEPTH:
                raise InvalidTemplateError(text.file, "texts use each other in a circle")
            else:
                inner = tokenize(text.source, text.file)
                yield from put(
                    [
                        replace(p, kind="words" if p.kind == "text" else p.kind, line=0)
                        for p in inner
                    ],
                    depth + 1,
                )

    return list(put(pieces, 0))
