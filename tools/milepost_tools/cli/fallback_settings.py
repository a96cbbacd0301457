"""Fallback settings, so that one error in settings.json does not cause many others."""

import json
import re
from collections.abc import Mapping
from typing import Any

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.publishing.settings_file import SettingsFile

_TOPIC = re.compile(r'"(?:topic|consents_to)"\s*:\s*"([a-z0-9][a-z0-9-]{0,39})"')


def fallback_settings(files: Mapping[str, str], problems: list[Problem]) -> str:
    """Keep what is valid in `settings.json`. If its topics are lost, define those that other files
    name."""
    try:
        document = json.loads(files.get("settings.json", "").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        document = None
    kept = document if isinstance(document, dict) else {}
    wrong = {re.split(r"[.\[]", problem.location)[0] for problem in problems}
    named = {topic for text in files.values() for topic in _TOPIC.findall(text)}
    missing: dict[str, Any] = {
        "name": "A shop",
        "url": "https://shop.example",
        "postal_address": "An address",
        "topics": {topic: topic for topic in sorted(named)} or {"news": "News"},
    }
    text = json.dumps({**missing, **{k: v for k, v in kept.items() if k not in wrong}})
    if isinstance(parse_file(text, SettingsFile), SettingsFile):
        return text
    return json.dumps(missing)
