"""Language tags: normalize them, and choose a template's language for a recipient."""

import re
from collections.abc import Collection
from typing import Literal

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-\d{3})?")
"""A language tag in the form that files must use: `en`, `pt-BR`, `zh-Hant`."""

Direction = Literal["ltr", "rtl"]

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_.@].*)?")
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa"})
_LEFT_TO_RIGHT_SCRIPTS = frozenset({"Cyrl", "Deva", "Latn"})
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi"}
_TRADITIONAL = frozenset({"TW", "HK", "MO"})


def normalize(tag: str) -> str:
    """Write a tag as BCP 47 does: `fa_ir` becomes `fa-IR`. Empty if it is no language tag."""
    match = _TAG.fullmatch(tag.strip())
    if not match:
        return ""
    language, script, region = match.groups()
    language = _OLD_CODES.get(language.lower(), language.lower())
    parts = [language, script.title() if script else "", region.upper() if region else ""]
    return "-".join(part for part in parts if part)


def fallbacks(tag: str) -> tuple[str, ...]:
    """List the tags to try, closest first: `zh-TW` gives zh-TW, zh-Hant-TW, zh-Hant, zh.

    Chinese is chosen by script: TW, HK and MO read Traditional, all other regions Simplified.
    """
    tag = normalize(tag)
    if not tag:
        return ()
    language, *rest = tag.split("-")
    script = next((part for part in rest if len(part) == 4), "")
    region = next((part for part in rest if len(part) in (2, 3)), "")
    if language == "zh" and not script:
        script = "Hant" if region in _TRADITIONAL else "Hans"
    with_script = [f"{language}-{script}-{region}"] if script and region else []
    tries = [tag, *with_script]
    if script:
        tries.append(f"{language}-{script}")
    if region:
        tries.append(f"{language}-{region}")
    return tuple(dict.fromkeys([*tries, language]))


def choose(wanted: str | None, available: Collection[str], default: str) -> str:
    """The available tag that is closest to the recipient's language, else `default`."""
    if wanted:
        for tag in fallbacks(wanted):
            if tag in available:
                return tag
    return default


def direction(tag: str) -> Direction:
    """The writing direction of a language; a script in the tag overrides the language."""
    language, *rest = tag.split("-")
    if any(part in _RIGHT_TO_LEFT_SCRIPTS for part in rest):
        return "rtl"
    if any(part in _LEFT_TO_RIGHT_SCRIPTS for part in rest):
        return "ltr"
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
