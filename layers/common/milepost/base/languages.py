"""Language tags: which of the languages a template has is the right one for a reader."""

import re
from collections.abc import Collection
from typing import Literal

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-\d{3})?")
"""A language tag as people are asked to write it: `en`, `pt-BR`, `zh-Hant`."""

Direction = Literal["ltr", "rtl"]

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_.@].*)?")
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa"})
_LEFT_TO_RIGHT_SCRIPTS = frozenset({"Cyrl", "Deva", "Latn"})
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi"}
_TRADITIONAL = frozenset({"TW", "HK", "MO"})


def normalize(tag: str) -> str:
    """Write a tag the BCP 47 way: `fa_ir` becomes `fa-IR`. Empty when it is no language tag."""
    match = _TAG.fullmatch(tag.strip())
    if not match:
        return ""
    language, script, region = match.groups()
    language = _OLD_CODES.get(language.lower(), language.lower())
    parts = [language, script.title() if script else "", region.upper() if region else ""]
    return "-".join(part for part in parts if part)


def fallbacks(tag: str) -> tuple[str, ...]:
    """List the tags to try, closest first: `zh-TW` gives zh-TW, zh-Hant-TW, zh-Hant, zh.

    Chinese goes by script, since a reader in Taipei can read neither `zh-CN` with pleasure nor
    any other text by region: TW, HK and MO are Traditional, everything else is Simplified.
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
    """Pick the available tag that serves the reader best, or `default` when none does."""
    if wanted:
        for tag in fallbacks(wanted):
            if tag in available:
                return tag
    return default


def direction(tag: str) -> Direction:
    """Tell which way a language runs; an explicit script in the tag decides over the language."""
    language, *rest = tag.split("-")
    if any(part in _RIGHT_TO_LEFT_SCRIPTS for part in rest):
        return "rtl"
    if any(part in _LEFT_TO_RIGHT_SCRIPTS for part in rest):
        return "ltr"
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
