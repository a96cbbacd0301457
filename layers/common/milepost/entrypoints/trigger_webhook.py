"""POST /v1/{store}/webhooks/{source}: what a shop platform reports in its own words."""

from milepost import bootstrap
from milepost.adapters.shops import shopify
from milepost.domain.jsontext import BadJsonError, read_json
from milepost.entrypoints.authentication import store_secrets
from milepost.entrypoints.http import HttpError, Request, Response, answer, http
from milepost.entrypoints.log import count, logger
from milepost.entrypoints.warm import warm
from milepost.services.append import append


def accept(request: Request) -> Response:
    """200 for everything genuine, also what we have no use for.

    Shopify deletes a subscription after 8 refusals, so a topic or a body that we cannot use is
    acknowledged, counted and logged.
    """
    if request.path.get("source") != "shopify":
        raise HttpError(404, "unknown_source", "webhooks are taken from: shopify")
    delivery = shopify.delivery(request.headers)
    keys = store_secrets(bootstrap.secrets(), request.store)
    if not keys.shopify:
        raise HttpError(503, "no_secret", "this store has no shopify-secret yet: put one in SSM")
    if not shopify.verify(request.body, delivery.hmac, keys.shopify):
        raise HttpError(
            401, "bad_signature", "the HMAC does not match the body and the store's Shopify secret"
        )
    return _append(request, delivery)


def _append(request: Request, delivery: shopify.Delivery) -> Response:
    try:
        payload = read_json(request.body, halves=True)  # the translator replaces them
    except BadJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    now = bootstrap.clock().now()
    try:
        translation = shopify.translate(request.store, delivery.topic, payload, now, delivery)
    except shopify.ShopifyPayloadError as error:
        logger.error("bad payload", extra={"topic": delivery.topic, "field": error.field})
        count("WebhooksUnreadable")
        return answer(200, {"status": "ignored", "reason": "unreadable", "field": error.field})
    if translation.ignored:
        logger.info("ignored", extra={"topic": delivery.topic[:100], "reason": translation.ignored})
        count("WebhooksIgnored")
        return answer(200, {"status": "ignored", "reason": translation.ignored})
    kept = append(bootstrap.timeline(), translation.events)
    results = [
        {"event": event.name, "id": event.id, "status": status}
        for event, status in zip(translation.events, kept, strict=True)
    ]
    return answer(200, {"status": "accepted", "results": results})


handler = http(accept)
warm(bootstrap.timeline, bootstrap.secrets, bootstrap.clock)
