"""Ports: the usual one where it is free, any other where it is not."""

import socket

LOOPBACK = "127.0.0.1"


def listen(preferred: int) -> socket.socket:
    """A listening socket on the loopback interface: at `preferred`, or anywhere when it is taken.

    0 means anywhere. The socket itself is handed to the server, so nobody can take the port between
    the choice and the use of it.
    """
    for port in dict.fromkeys((preferred, 0)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(128)
        except OSError:
            listener.close()
            if port == 0:
                raise
            continue
        listener.setblocking(False)
        return listener
    raise AssertionError("the loop returns or raises")


def port_of(listener: socket.socket) -> int:
    """The port that a listening socket got."""
    port: int = listener.getsockname()[1]
    return port


def free_port(preferred: int) -> int:
    """A port for a child process that opens it itself: `preferred` when free, else any free one."""
    with listen(preferred) as listener:
        return port_of(listener)
