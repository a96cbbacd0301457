"""Writes `docs/settings.md`.

`PYTHONPATH=layers/common:tools python -m tests.support.settings_page` rewrites it from the models
and from `docs/settings.intro.md`.
"""

from milepost_tools.reference.settings_page import settings_page
from tests.support.template import ROOT

PAGE = ROOT / "docs" / "settings.md"
INTRODUCTION = ROOT / "docs" / "settings.intro.md"


def text() -> str:
    """The text that the page must have."""
    return settings_page(INTRODUCTION.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
