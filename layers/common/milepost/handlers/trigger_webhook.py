"""POST /v1/{store}/webhooks/{source}: webhooks of a shop platform in its own format."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any

from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.contacts.timeline import append
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http, store_secrets
from milepost.handlers.log import count_metric, logger
from milepost.shops import PLATFORMS
from milepost.shops.platform import ComplianceRequest, Delivery, Platform, WebhookError
from milepost.wiring import core, privacy, tables


def accept(request: HttpRequest) -> Response:
    """Answer 200 for every authentic webhook, even if we cannot use it.

    Shopify deletes a subscription after 8 refusals. A topic or body that we cannot use is therefore
    acknowledged, counted and logged.
    """
    load = PLATFORMS.get(request.path.get("source", ""))
    if load is None:
        raise HttpError(404, "unknown_source", f"webhooks are taken from: {', '.join(PLATFORMS)}")
    platform = load()
    delivery = platform.delivery(request.headers)
    keys = store_secrets(core.secrets(), request.store).platforms
    secrets = keys.get(platform.secret, ())
    if not secrets:
        reason = f"this store has no {platform.secret} yet: put one in SSM"
        raise HttpError(503, "no_secret", reason)
    if not platform.verify(request.body, delivery, secrets):
        reason = f"the signature does not match the body and the store's {platform.secret}"
        raise HttpError(401, "bad_signature", reason)
    if delivery.topic not in platform.topics():
        return _ignored(delivery, "unknown_topic")  # whatever the body contains
    try:
        payload = read_json(request.body, halves=True)  # the translator replaces lone surrogates
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    try:
        compliance_request = platform.compliance(delivery, payload)
        if compliance_request is not None:
            return _comply(
                request, platform, delivery, compliance_request, keys.get(platform.shop, ())
            )
        return _append(request, platform, delivery, payload)
    except WebhookError as error:
        logger.error("webhook unreadable", extra={"topic": delivery.topic, "field": error.field})
        count_metric("WebhooksUnreadable")
        return answer(200, {"status": "ignored", "reason": "unreadable", "field": error.field})


def _append(request: HttpRequest, platform: Platform, delivery: Delivery, payload: Any) -> Response:
    translation = platform.translate(request.store, delivery, payload, core.clock().now())
    if translation.ignored:
        return _ignored(delivery, translation.ignored)
    kept = append(tables.timeline(), translation.events)
    results = [
        {"event": event.name, "id": event.id, "status": status}
        for event, status in zip(translation.events, kept, strict=True)
    ]
    return answer(200, {"status": "accepted", "results": results})


def _comply(
    request: HttpRequest,
    platform: Platform,
    delivery: Delivery,
    compliance_request: ComplianceRequest,
    shops: Collection[str],
) -> Response:
    """Open a privacy request: a customer asks for their data or its erasure, or the shop left for
    good.

    Several shops can share one app and its secret. A store that knows its own shops ignores
    requests for others.
    """
    # Imported here: such requests are rare, and the import would slow every cold start.
    from milepost.privacy.request import request_id

    if shops and compliance_request.shop not in {shop.lower() for shop in shops}:
        return _ignored(delivery, "other_shop")
    intake, clock, store = privacy.request_intake(), core.clock(), request.store
    delivery_id = delivery.id or sha256(request.body).hexdigest()
    opened = intake.open_request(
        compliance_request.kind,
        store,
        intake.contacts_of(store, compliance_request.identifiers),
        request_id(platform.name, store, delivery.topic, delivery_id),
        clock.now(),
        clock.wire_now(),
        f"{platform.name} {compliance_request.number or delivery.topic}",
    )
    logger.info(
        "privacy request received",
        extra={"store": store, "topic": delivery.topic, "request": opened.id},
    )
    return answer(200, {"status": "accepted", "request": opened.id})


def _ignored(delivery: Delivery, reason: str) -> Response:
    logger.info("webhook ignored", extra={"topic": delivery.topic[:100], "reason": reason})
    count_metric("WebhooksIgnored")
    return answer(200, {"status": "ignored", "reason": reason})


handler = http(accept)
preload(tables.timeline, core.secrets, core.clock, *PLATFORMS.values())
