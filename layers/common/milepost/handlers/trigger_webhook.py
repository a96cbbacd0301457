"""POST /v1/{store}/webhooks/{source}: webhooks of a shop platform in its own format."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any

from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.contacts.timeline import append
from milepost.handlers.authentication import store_secrets
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http
from milepost.handlers.log import count_metric, logger
from milepost.shops import shopify
from milepost.wiring import core, privacy, tables


def accept(request: HttpRequest) -> Response:
    """Answer 200 for every authentic webhook, even if we cannot use it.

    Shopify deletes a subscription after 8 refusals. A topic or body that we cannot use is therefore
    acknowledged, counted and logged.
    """
    if request.path.get("source") != "shopify":
        raise HttpError(404, "unknown_source", "webhooks are taken from: shopify")
    delivery = shopify.delivery(request.headers)
    keys = store_secrets(core.secrets(), request.store)
    if not keys.shopify:
        raise HttpError(503, "no_secret", "this store has no shopify-secret yet: put one in SSM")
    if not shopify.verify(request.body, delivery.hmac, keys.shopify):
        raise HttpError(
            401, "bad_signature", "the HMAC does not match the body and the store's Shopify secret"
        )
    if delivery.topic not in shopify.TOPICS and delivery.topic not in shopify.COMPLIANCE:
        return _ignored(delivery, "unknown_topic")  # whatever the body contains
    try:
        payload = read_json(request.body, halves=True)  # the translator replaces lone surrogates
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    try:
        if delivery.topic in shopify.COMPLIANCE:
            return _comply(request, delivery, payload, keys.shop_domains)
        return _append(request, delivery, payload)
    except shopify.ShopifyPayloadError as error:
        logger.error("webhook unreadable", extra={"topic": delivery.topic, "field": error.field})
        count_metric("WebhooksUnreadable")
        return answer(200, {"status": "ignored", "reason": "unreadable", "field": error.field})


def _append(request: HttpRequest, delivery: shopify.Delivery, payload: Any) -> Response:
    now = core.clock().now()
    translation = shopify.translate(request.store, delivery.topic, payload, now, delivery)
    if translation.ignored:
        return _ignored(delivery, translation.ignored)
    kept = append(tables.timeline(), translation.events)
    results = [
        {"event": event.name, "id": event.id, "status": status}
        for event, status in zip(translation.events, kept, strict=True)
    ]
    return answer(200, {"status": "accepted", "results": results})


def _comply(
    request: HttpRequest, delivery: shopify.Delivery, payload: Any, domains: Collection[str]
) -> Response:
    """Open a privacy request: a customer asks for their data or its erasure, or the shop left for
    good.

    Several shops can share one app and its secret. A store that knows its domains ignores requests
    for other domains.
    """
    # Imported here: such requests are rare, and the import would slow every cold start.
    from milepost.privacy.request import request_id
    from milepost.shops.shopify.compliance import read_compliance_request

    compliance_request = read_compliance_request(delivery.topic, payload)
    if domains and compliance_request.shop_domain not in {domain.lower() for domain in domains}:
        return _ignored(delivery, "other_shop")
    intake, clock, store = privacy.request_intake(), core.clock(), request.store
    delivery_id = delivery.webhook_id or sha256(request.body).hexdigest()
    opened = intake.open_request(
        compliance_request.kind,
        store,
        intake.contacts_of(store, compliance_request.identifiers),
        request_id("shopify", store, delivery.topic, delivery_id),
        clock.now(),
        clock.wire_now(),
        f"shopify {compliance_request.number or delivery.topic}",
    )
    logger.info(
        "privacy request received",
        extra={"store": store, "topic": delivery.topic, "request": opened.id},
    )
    return answer(200, {"status": "accepted", "request": opened.id})


def _ignored(delivery: shopify.Delivery, reason: str) -> Response:
    logger.info("webhook ignored", extra={"topic": delivery.topic[:100], "reason": reason})
    count_metric("WebhooksIgnored")
    return answer(200, {"status": "ignored", "reason": reason})


handler = http(accept)
preload(tables.timeline, core.secrets, core.clock)
