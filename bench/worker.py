"""Runs in the measured process: one handler many times, or the path of one abandoned cart."""

import contextlib
import hashlib
import importlib.util
import io
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bench import REPOSITORY
from milepost.aws import keys
from milepost.aws.table import Table
from milepost.contacts.event import contact_id
from milepost.enrollments.program import END
from milepost.enrollments.trigger_types import trigger_index_entry
from milepost.published.head import LiveWorkflow
from milepost.publishing.dynamodb import DynamoPublishedWriter
from milepost.publishing.settings_file import SettingsFile
from milepost.templates.compile import compile_template
from milepost.templates.version import TemplateVersion
from milepost.wiring import core, tables
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.language.workflow import Workflow

STORE = "bench"
CALLS, WARM = 300, 30
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
_FOLDER = REPOSITORY / "workflows"

Handler = Callable[[Any, Any], Any]


@dataclass
class Meter:
    """Counts AWS calls and the capacity units that DynamoDB reports."""

    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    def watch(self, *services: str) -> "Meter":
        for service in services:
            events = core.client(service).meta.events
            events.register("before-call", self._called)
            if service == "dynamodb":
                events.register("provide-client-params.dynamodb", _ask_for_capacity)
                events.register("after-call.dynamodb", self._took)
        return self

    def _called(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self.calls[model.name] += 1
        if model.name == "BatchGetItem":
            tables = json.loads(params["body"])["RequestItems"].values()
            self.asked = sum(len(table["Keys"]) for table in tables)

    def _took(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity") or []
        if model.name == "BatchGetItem" and not consumed:
            consumed = {"CapacityUnits": _units_read(parsed["Responses"], self.asked)}
        for one in consumed if isinstance(consumed, list) else [consumed]:
            kind = "write" if model.name in WRITES else "read"
            self.units[kind] += one.get("CapacityUnits", 0)


def _units_read(found: Mapping[str, Any], asked: int) -> int:
    """The capacity units of a consistent BatchGetItem, which the embedded AWS does not report: one
    unit for each started 4 KB of an item, and one for a key without an item."""
    sizes = [
        sum(len(name) + len(str(value)) for name, typed in item.items() for value in typed.values())
        for items in found.values()
        for item in items
    ]
    return sum(-(-size // 4096) for size in sizes) + asked - len(sizes)


def _ask_for_capacity(params: dict[str, Any], model: Any, **_: Any) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "TOTAL"


def main(what: str) -> None:
    _prepare()
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence):
        measured = {
            "trigger_event": _trigger_event,
            "react": _react,
            "run_steps": _run_steps,
            "path": _path,
        }[what]()
    print(json.dumps(measured))


def _measure(call: Callable[[int], object], meter: Meter) -> dict[str, Any]:
    for number in range(WARM):
        call(number)
    meter.calls.clear()
    meter.units.clear()
    took = []
    for number in range(WARM, WARM + CALLS):
        began = time.process_time()
        call(number)
        took.append(1000 * (time.process_time() - began))
    quarter = statistics.quantiles(took, n=20)
    return {
        "median": round(statistics.median(took), 3),
        "p95": round(quarter[-1], 3),
        "calls": CALLS,
        "calls_per_call": {name: round(n / CALLS, 2) for name, n in meter.calls.items()},
        "writes_per_call": round(sum(n for c, n in meter.calls.items() if c in WRITES) / CALLS, 2),
        "units_per_call": {kind: round(float(n) / CALLS, 2) for kind, n in meter.units.items()},
    }


# --- what is measured ---


def _trigger_event() -> dict[str, Any]:
    handler = _handler("trigger_event")
    meter = Meter().watch("dynamodb", "ssm")
    measured = _measure(
        lambda n: _must(handler(_request(_order(n, "one@example.com")), None), 202), meter
    )
    return {**measured, "body_bytes": len(json.dumps(_order(1, "one@example.com")))}


def _react() -> dict[str, Any]:
    handler = _handler("react")
    meter = Meter().watch("dynamodb", "stepfunctions")
    return _measure(lambda n: handler(_record(_order(n, "two@example.com"), n + 1), None), meter)


def _run_steps() -> dict[str, Any]:
    """One e-mail per call: the block that follows the first wait of an abandoned cart."""
    react, run = _handler("react"), _handler("run_steps")
    tasks = []
    for number in range(WARM + CALLS):
        react(_record(_checkout(number), 1), None)
        tasks.append(
            {"enrollment": _entered(number), "block_seq": 1, "execution_no": 0, "block": "reminder"}
        )
    meter = Meter().watch("dynamodb", "sesv2", "ssm")
    return _measure(lambda n: run(tasks[n], None), meter)


def _path() -> dict[str, Any]:
    """The longest path of one abandoned cart: three e-mails, each sent and delivered."""
    meters: dict[str, dict[str, dict[str, float]]] = {}
    meter = Meter().watch("dynamodb", "sesv2", "ssm", "stepfunctions")

    def part(name: str, handler: Handler, event: Any) -> Any:
        meter.calls.clear()
        meter.units.clear()
        answer = handler(event, None)
        units = {kind: float(number) for kind, number in meter.units.items()}
        meters[name] = {"calls": dict(meter.calls), "units": units}
        return answer

    number = 10_000
    checkout, warm = _checkout(number), _order(number, "warm@example.com")
    trigger, react, run = _handler("trigger_event"), _handler("react"), _handler("run_steps")
    learn, wait = _handler("trigger_email"), _handler("await_event")
    trigger(_request(warm), None)  # keys and head are cached, as in any warm function
    react(_record(warm, 1), None)
    part("trigger_event", trigger, _request(checkout))
    part("react", react, _record(checkout, 1))
    enrollment = _entered(number)
    state = {"enrollment": enrollment, "block_seq": 0, "execution_no": 0}
    program = core.published().program(STORE, "abandoned-cart", 1)
    entry = program.entry
    while entry != END:
        state = part(f"run_steps from {entry}", run, {**state, "block": entry})
        for step in _undelivered(enrollment):
            for kind in ("Send", "Delivery"):
                event = _ses_event(enrollment, step, kind)
                part(f"trigger_email {step} {kind}", learn, event)
        if state["next"] == END:
            break
        node = program.nodes[state["next"]]
        if node["type"] == "wait_for":
            part("await_event", wait, {**state, "step": node["id"], "token": "t" * 600})
        entry = node["on_timeout"] if node["type"] == "wait_for" else node["next"]
    return {
        "parts": meters,
        **{
            sort: dict(sum((Counter(part[sort]) for part in meters.values()), Counter[str]()))
            for sort in ("calls", "units")
        },
    }


# --- the environment of the measured code ---


def _prepare() -> None:
    ssm = core.client("ssm")
    for name, value in {
        "bearer-key-sha256": hashlib.sha256(b"bench").hexdigest(),
        "link-key": "link",
    }.items():
        ssm.put_parameter(
            Name=f"/milepost/{STORE}/{name}", Value=value, Type="SecureString", Overwrite=True
        )
    publications = DynamoPublishedWriter(Table(core.client("dynamodb"), "workflows"))
    settings = SettingsFile.model_validate_json((_FOLDER / "settings.json").read_text("utf-8"))
    publications.apply_settings(STORE, settings.model_dump(mode="json", exclude_none=True))
    layout = _texts(_FOLDER / "templates" / "_layout")
    for folder in sorted({f.parent for f in (_FOLDER / "templates").rglob("subject.txt")}):
        name = folder.relative_to(_FOLDER / "templates").as_posix()
        template = compile_template(name, _texts(folder), layout, "en", settings.locales)
        assert isinstance(template, TemplateVersion), template
        publications.keep_template(STORE, template)
        publications.show_template(STORE, name, template.hash)
    for name in ("abandoned-cart", "welcome"):
        text = (_FOLDER / f"{name}.json").read_text("utf-8")
        program = build_program(name, 1, Workflow.model_validate_json(text))
        publications.save_program(STORE, program, "bench")
        machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:milepost-{STORE}_{name}:1"
        publications.go_live(
            STORE, name, LiveWorkflow(1, machine, "live", trigger=trigger_index_entry(program)), 0
        )
    engine = core.engine()
    engine.client.meta.events.register("before-call.stepfunctions", cast("Any", _started))


@dataclass(frozen=True)
class _Yes:
    """The HTTP part of a constructed answer."""

    status_code: int = 200


def _started(**_: Any) -> tuple[_Yes, dict[str, Any]]:
    """Answer StartExecution without a request: no state machine runs beside the measured code."""
    return _Yes(), {"executionArn": "arn", "startDate": datetime.now(UTC)}


def _texts(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}


def _handler(name: str) -> Handler:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "functions" / name / "app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def _must(response: dict[str, Any], status: int) -> None:
    assert response["statusCode"] == status, response


def _order(number: int, email: str) -> dict[str, Any]:
    products = [
        {
            "product_id": f"8412907735512806{n}",
            "sku": f"HLG-{n}",
            "name": f"Saltmarsh Throw {n}",
            "variant": "Moss / 130 x 170",
            "brand": "Harborline",
            "price": 39.5,
            "quantity": n,
            "category": "home/textiles",
            "url": f"https://shop.example.com/products/{n}",
            "image_url": f"https://cdn.example.com/images/products/{n}/front-large.jpg",
        }
        for n in range(1, 6)
    ]
    return {
        "id": f"order-{number}",
        "event": "Order Completed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "contact": {
            "email": email,
            "first_name": "Noor",
            "locale": "en",
            "timezone": "Asia/Tehran",
        },
        "properties": {
            "order_id": str(number),
            "total": 592.5,
            "subtotal": 560,
            "tax": 32.5,
            "currency": "USD",
            "products": products,
        },
    }


def _checkout(number: int) -> dict[str, Any]:
    order = _order(number, f"shopper{number}@example.com")
    order["contact"]["consent"] = [
        {"topic": "offers", "state": "granted", "at": order["occurred_at"]}
    ]
    order["properties"] |= {
        "checkout_id": f"c{number}",
        "checkout_url": "https://shop.example.com/c",
    }
    return order | {"id": f"checkout-{number}", "event": "Checkout Started"}


def _request(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "2.0",
        "headers": {"authorization": "Bearer bench", "content-type": "application/json"},
        "pathParameters": {"store": STORE},
        "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.1"}},
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def _record(document: dict[str, Any], position: int) -> dict[str, Any]:
    """The stream record of an accepted event."""
    from milepost.api.event_body import translate
    from milepost.contacts.dynamodb.timeline import event_item

    event, _ = translate(STORE, document, datetime.now(UTC))
    contact = contact_id(STORE, "email", document["contact"]["email"])
    item = event_item(contact, event, core.settings().retention)
    change = {
        "Keys": {"pk": item["pk"], "sk": item["sk"]},
        "NewImage": item,
        "SequenceNumber": str(position + time.time_ns()),
    }
    return {"Records": [{"eventName": "INSERT", "dynamodb": change}]}


def _entered(number: int) -> dict[str, Any]:
    contact = contact_id(STORE, "email", f"shopper{number}@example.com")
    profile = tables.contacts().profile(STORE, contact)
    assert profile is not None
    ((id_, presence),) = profile.active_enrollments.items()
    return presence.ref(STORE, contact, id_).to_json()


def _undelivered(enrollment: Mapping[str, Any]) -> list[str]:
    """The steps whose e-mail has no delivery event yet."""
    table = Table(core.client("dynamodb"), "contacts")
    items = table.query(
        KeyConditionExpression="pk = :pk AND begins_with(sk, :m)",
        values={":pk": keys.collection(STORE, enrollment["contact"]), ":m": "MESSAGE#"},
    )
    return [i["step"] for i in items if i["status"] == "accepted" and "delivered_at" not in i]


def _ses_event(enrollment: Mapping[str, Any], step: str, kind: str) -> dict[str, Any]:
    from milepost.base.names import EnrollmentRef
    from milepost.sending.message import message_id

    message = message_id(EnrollmentRef.from_json(enrollment), step)
    at = datetime.now(UTC).isoformat()
    event = {
        "eventType": kind,
        "mail": {"timestamp": at, "tags": {"message": [message], "store": [STORE]}},
        kind.lower(): {"timestamp": at},
    }
    return {"Records": [{"messageId": "1", "body": json.dumps({"Message": json.dumps(event)})}]}


if __name__ == "__main__":
    main(sys.argv[1])
