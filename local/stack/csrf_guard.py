"""CSRF protection of the inbox: the same browser also shows hostile pages."""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Accepts only requests for a name of this machine, and writes only from its own pages.

    The name stops DNS rebinding. The origin stops forms and scripts of other sites and of the
    e-mails. Programs such as boto3 and curl send no Origin and pass.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = OWN_NAMES) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope["method"], Headers(scope=scope))
            if refusal:
                await JSONResponse({"error": refusal}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> str:
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in self._names and host not in self._names:
            return "This server is for localhost only."
        origin = headers.get("origin")
        foreign = origin is not None and origin != f"http://{host}"
        if method not in SAFE_METHODS and foreign:
            return "Only the inbox's own pages may do that."
        return ""
