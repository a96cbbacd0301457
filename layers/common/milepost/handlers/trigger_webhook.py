"""POST /v1/{store}/webhooks/{source}: what a shop platform reports in its own words."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any

from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.contacts.timeline import append
from milepost.handlers.authentication import store_secrets
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http
from milepost.handlers.log import count_metric, logger
from milepost.shops import PLATFORMS
from milepost.shops.platform import ComplianceRequest, Delivery, Platform, WebhookError
from milepost.wiring import core, privacy, tables


def accept(request: HttpRequest) -> Response:
    """200 for everything genuine, also what we have no use for.

    Shopify deletes a subscription after 8 refusals, so a topic or a body that we cannot use is
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
        return _ignored(delivery, "unknown_topic")  # whatever its body may be
    try:
        payload = read_json(request.body, halves=True)  # the translator replaces them
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    try:
        demand = platform.compliance(delivery, payload)
        if demand is not None:
            return _comply(request, platform, delivery, demand, keys.get(platform.shop, ()))
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
    demand: ComplianceRequest,
    shops: Collection[str],
) -> Response:
    """A customer wants their data or its end, or the shop left for good: acted on, not filed.

    One app may serve several shops under one secret; a store that knows which of them it is erases
    nothing for another.
    """
    # Demands are rare, and every cold start would pay for what they need.
    from milepost.privacy.request import request_id

    if shops and demand.shop not in {shop.lower() for shop in shops}:
        return _ignored(delivery, "other_shop")
    desk, clock, store = privacy.desk(), core.clock(), request.store
    once = delivery.id or sha256(request.body).hexdigest()
    asked = desk.open_request(
        demand.kind,
        store,
        desk.contacts_of(store, demand.identifiers),
        request_id(platform.name, store, delivery.topic, once),
        clock.now(),
        clock.wire_now(),
        f"{platform.name} {demand.number or delivery.topic}",
    )
    logger.info(
        "privacy request received",
        extra={"store": store, "topic": delivery.topic, "request": asked.id},
    )
    return answer(200, {"status": "accepted", "request": asked.id})


def _ignored(delivery: Delivery, reason: str) -> Response:
    logger.info("webhook ignored", extra={"topic": delivery.topic[:100], "reason": reason})
    count_metric("WebhooksIgnored")
    return answer(200, {"status": "ignored", "reason": reason})


handler = http(accept)
preload(tables.timeline, core.secrets, core.clock, *PLATFORMS.values())
