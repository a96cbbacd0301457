"""The functions of the stack, called in order: upload, send events, react, run, report."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.publish.app import handler as publish
from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from functions.trigger_email.app import handler as trigger_email
from functions.trigger_event.app import handler as trigger_event
from tests.support.aws_events import changed_file, queued, sample, told_by_sns
from tests.support.builders import Content, text
from tests.support.cloud import BUCKET, EMAIL, FIRST_NAME, Shop

Json = dict[str, Any]


def upload(shop: Shop, files: Mapping[str, Content], *, deleted: tuple[str, ...] = ()) -> None:
    """Put files into the bucket (and delete some), and publish the changes."""
    for path, content in files.items():
        shop.cloud.s3.put_object(Bucket=BUCKET, Key=f"{shop.store}/{path}", Body=text(content))
    for path in deleted:
        shop.cloud.s3.delete_object(Bucket=BUCKET, Key=f"{shop.store}/{path}")
    changes = [changed_file(f"{shop.store}/{path}") for path in files]
    changes += [changed_file(f"{shop.store}/{path}", deleted=True) for path in deleted]
    assert publish(queued(*changes), None) == {"batchItemFailures": []}


def report(shop: Shop, name: str) -> Json:
    """The report of a file, `workflows.cart` or `templates.plain`."""
    key = f"{shop.store}/reports/{name}.report.json"
    found: Json = json.loads(shop.cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return found


def tell(shop: Shop, name: str, properties: Json | None = None, **changes: Any) -> list[Json]:
    """The shop sends an event of the person; the appended events go to `react`."""
    before = {item["sk"]["S"] for item in shop.events()}
    consent = [{"topic": "offers", "state": "granted", "at": ago(hours=2)}]
    contact = {"email": EMAIL, "first_name": FIRST_NAME, "consent": consent}
    event = {"id": f"{name.lower().replace(' ', '-')}-1", "event": name, "occurred_at": ago()}
    event |= {"contact": contact, "properties": properties or {}} | changes
    response = trigger_event(shop.request(event), None)
    assert response["statusCode"] in {200, 202}, response
    new = [item for item in shop.events() if item["sk"]["S"] not in before]
    if new:
        react(shop.cloud.stream(*new), None)
    return new


def pass_on(shop: Shop, known: set[str]) -> list[Json]:
    """Pass the events whose keys are not in `known` to `react`."""
    new = [item for item in shop.events() if item["sk"]["S"] not in known]
    if new:
        react(shop.cloud.stream(*new), None)
    return new


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**(time or {"minutes": 1}))).isoformat()


def machine_of(shop: Shop, workflow: str) -> str:
    from tests.support.cloud import ENVIRONMENT

    return f"{ENVIRONMENT['MILEPOST_STATE_MACHINE_ARN_PREFIX']}{shop.store}_{workflow}"


def enrolled(shop: Shop, workflow: str) -> Json:
    """The input of the only execution that was started."""
    (execution,) = shop.cloud.executions(machine_of(shop, workflow))
    started: Json = json.loads(execution["input"])
    return started


def run(shop: Shop, workflow: str, block: str, **more: Any) -> Json:
    """Run a block of the only enrollment, as Step Functions does."""
    done: Json = run_steps({**enrolled(shop, workflow), "block": block, **more}, None)
    return done


def ses_event(message: str, kind: str, shop: Shop, **detail: Any) -> Json:
    """SES's event about a message of this store, as the queue delivers it."""
    event = sample("ses", kind)
    event["mail"]["tags"] |= {"message": [message], "store": [shop.store]}
    if detail:
        event[event["eventType"].lower()] |= detail
    return queued(told_by_sns(event))


def record_ses_events(batch: Json) -> list[str]:
    """Record a batch of SES events; returns the ids of the failed messages."""
    failures = trigger_email(batch, None)["batchItemFailures"]
    return [each["itemIdentifier"] for each in failures]
