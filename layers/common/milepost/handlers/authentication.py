"""Authentication: every request needs a key of the store that it names."""

from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.signatures import check_bearer, check_request, check_signature
from milepost.handlers.http import HttpError, HttpRequest

if TYPE_CHECKING:
    from milepost.stores.store_secrets import Secrets, StoreSecrets


def store_secrets(secrets: "Secrets", store: str) -> "StoreSecrets":
    found = secrets.of(store)
    if found is None:
        raise HttpError(404, "unknown_store", "there is no such store")
    return found


def authenticate(
    request: HttpRequest, secrets: "Secrets", now: datetime, body_alone: bool = False
) -> None:
    """Accept a signed request or a bearer key; raise HttpError for everything else.

    A store without a key refuses all requests (503). With `body_alone`, this route also accepts the
    older signature, which does not cover the method and the path.
    """
    keys = store_secrets(secrets, request.store)
    signature = request.headers.get("milepost-signature")
    bearer = request.headers.get("authorization")
    if signature is not None:
        _configured(keys.signing, "signing-key")
        if body_alone and "v2=" not in signature:
            denied = check_signature(signature, request.body, keys.signing, now)
        else:
            denied = check_request(signature, request.target, request.body, keys.signing, now)
    elif bearer is not None:
        _configured(keys.bearer_hashes, "bearer-key-sha256")
        denied = check_bearer(bearer, keys.bearer_hashes)
    else:
        raise HttpError(
            401,
            "no_signature",
            "sign the request (Milepost-Signature) or send Authorization: Bearer <key>",
        )
    if denied is not None:
        raise HttpError(401, denied.code, denied.reason)


def _configured(keys: tuple[str, ...], name: str) -> None:
    if not keys:
        raise HttpError(503, "no_secret", f"this store has no {name} yet: put one in SSM")
