"""Ports: the preferred one if it is free, otherwise any free one."""

import socket

LOOPBACK = "127.0.0.1"


def listen(preferred: int) -> socket.socket:
    """A listening socket on the loopback interface: at `preferred`, or at any port if it is taken.

    0 means any port. The server gets the socket itself, so no other program can take the port in
    between.
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
    """A port that a child process will open: `preferred` if it is free, else any free one."""
    with listen(preferred) as listener:
        return port_of(listener)
