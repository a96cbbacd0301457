"""The emulator's process: apply the corrections, watch the parent process, serve."""

import importlib.metadata
import logging
import os
import signal
import sys
import threading

from local.emulator import MINISTACK_VERSION, layers, permissions, state_machines, streams

logger = logging.getLogger("milepost.local")


def main() -> int:
    """Run MiniStack until it is stopped or its parent process has ended."""
    threading.Thread(target=stop_with_parent, name="parent-watch", daemon=True).start()
    installed = importlib.metadata.version("ministack")
    try:
        from ministack import app

        for correction in (permissions, state_machines, streams, layers):
            correction.apply()
    except (AttributeError, ImportError) as error:
        print(
            f"The corrections in local/emulator are written for ministack {MINISTACK_VERSION}, and "
            f"{installed} is installed, in which something has moved ({error}). "
            f"Install the version in requirements/local.txt.",
            file=sys.stderr,
        )
        return 1
    logger.info("ministack %s with local corrections", installed)
    sys.argv = ["ministack"]
    app.main()
    return 0


def stop_with_parent() -> None:
    """Stop the whole process group when the parent's end of our standard input is closed.

    The parent holds that end open and never writes. However it ends, even by SIGKILL, the system
    closes it; so no emulator and no Lambda worker outlives the parent.
    """
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(os.getpgid(0), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
