"""Serves an ASGI application on a given socket, in a thread, until it is stopped."""

import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp

from local.errors import LocalError

PATIENCE = 10.0


class WebServer:
    """Serves from its construction until `stop`."""

    def __init__(self, app: ASGIApp, listener: socket.socket, name: str) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._listener = listener
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name=name, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise LocalError(f"The {name} did not start within {PATIENCE:.0f} seconds.")
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=PATIENCE)
        self._listener.close()
