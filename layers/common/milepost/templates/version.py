"""One published version of a template: immutable, and small enough for one DynamoDB item.

A template is compiled once per language, with its texts in place. So a right-to-left language has
its own layout, and a send needs no other lookup. Each language is packed separately; a render
unpacks only the one that it needs.
"""

import json
import marshal
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any, NamedTuple

import jinja2

from milepost.templates.sandbox import PARTS, Part

FORMAT = b"milepost-template-1\n"

CODE_MAGIC = f"{MAGIC_NUMBER.hex()}-{jinja2.__version__}-2"
"""The versions that can run stored bytecode: this Python, this Jinja, and these filters (the last
number)."""

MAX_BYTES = 350 * 1024
"""DynamoDB takes items of 400 KB; the other attributes need some of it."""


class Variant(NamedTuple):
    """A template in one language: the Jinja source of each part, and its code if it can run."""

    sources: Mapping[Part, str]
    code: Mapping[Part, CodeType]


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A compiled template.

    `hash` is 16 hex digits over all its sources. `packed` holds one compressed variant per language
    tag. The bytes contain code that a render executes, so read them only from where publish stores
    them.
    """

    name: str
    hash: str
    default_locale: str
    packed: Mapping[str, bytes]

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self.packed)

    def variant(self, locale: str) -> Variant:
        """Unpack one language; without code if another Python or Jinja compiled it."""
        header, body = _split(zlib.decompress(self.packed[locale]))
        sources: dict[Part, str] = {}
        code: dict[Part, CodeType] = {}
        runnable = header["magic"] == CODE_MAGIC
        position = 0
        for part in PARTS:
            if part not in header["sizes"]:
                continue
            source_size, code_size = header["sizes"][part]
            sources[part] = body[position : position + source_size].decode()
            position += source_size
            if runnable:
                code[part] = marshal.loads(body[position : position + code_size])
            position += code_size
        return Variant(sources, code)

    def to_bytes(self) -> bytes:
        header = {
            "name": self.name,
            "hash": self.hash,
            "default_locale": self.default_locale,
            "sizes": {locale: len(data) for locale, data in self.packed.items()},
        }
        return FORMAT + _join(header, b"".join(self.packed.values()))

    @classmethod
    def from_bytes(cls, data: bytes) -> "TemplateVersion":
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        if not data.startswith(FORMAT):
            raise ValueError("these bytes are not a template of this format")
        header, body = _split(data[len(FORMAT) :])
        packed: dict[str, bytes] = {}
        position = 0
        for locale, size in header["sizes"].items():
            packed[locale] = body[position : position + size]
            position += size
        return cls(header["name"], header["hash"], header["default_locale"], packed)


def compress_part(variant: Variant, magic: str = CODE_MAGIC) -> bytes:
    """Compress one language. Code is stored next to its source, because they share texts."""
    sizes: dict[str, tuple[int, int]] = {}
    body: list[bytes] = []
    for part, source in variant.sources.items():
        pair = source.encode(), marshal.dumps(variant.code[part])
        sizes[part] = len(pair[0]), len(pair[1])
        body += pair
    return zlib.compress(_join({"magic": magic, "sizes": sizes}, b"".join(body)), 9)


def _join(header: Mapping[str, object], body: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack(">I", len(text)) + text + body


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from(">I", data)
    return json.loads(data[4 : 4 + length]), data[4 + length :]
