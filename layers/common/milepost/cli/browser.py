"""The browser of this machine, if it has one."""

import webbrowser
from pathlib import Path


def show(file: Path) -> bool:
    """Open a file in it; False where there is none, so that somebody can be told where it is."""
    try:
        return webbrowser.open(file.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False
