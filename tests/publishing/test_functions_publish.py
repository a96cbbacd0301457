"""The publish function: from an upload to the bucket to a live workflow and its report."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from functions.publish.app import handler
from milepost.base.errors import ThrottledError
from milepost.publishing.publish import Publisher
from milepost.wiring import core, publishing
from tests.support.aws_events import changed_file, queued
from tests.support.builders import (
    branch,
    delay,
    leave,
    send,
    settings,
    template,
    wait_for,
    workflow,
)
from tests.support.builders import shop as files_of
from tests.support.cloud import BUCKET, ENVIRONMENT, Cloud, Printed, Shop
from tests.support.handlers import machine_of, report, upload

if TYPE_CHECKING:
    from milepost.stores.files import StoreFiles


CART = workflow(delay("1 hour"), send("reminder"))


def problems(shop: Shop, name: str = "workflows.cart") -> list[str]:
    return [
        f"{p['location']}: {p['reason']}" + (f" ({p['remedy']})" if p["remedy"] else "")
        for p in report(shop, name)["problems"]
    ]


def test_whole_store_uploaded_at_once_goes_live_at_once(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    assert report(shop, "settings")["outcome"] == "published"
    assert report(shop, "templates.plain")["outcome"] == "published"
    assert report(shop, "workflows.cart")["outcome"] == "published"
    described = shop.cloud.states.describe_state_machine(stateMachineArn=machine_of(shop, "cart"))
    definition = json.loads(described["definition"])
    assert described["roleArn"] == ENVIRONMENT["MILEPOST_STATE_MACHINE_ROLE_ARN"]
    assert definition["StartAt"] == "before wait-1-hour"
    arns = {
        s["Parameters"]["FunctionName"] for s in definition["States"].values() if "Parameters" in s
    }
    assert arns == {ENVIRONMENT["MILEPOST_RUN_STEPS_ARN"]}


def test_report_is_also_written_as_markdown(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    key = f"{shop.store}/reports/workflows.cart.report.md"
    found = shop.cloud.s3.get_object(Bucket=BUCKET, Key=key)
    assert found["ContentType"].startswith("text/markdown")
    assert found["Body"].read().decode().startswith("# `workflows/cart.json` is live as version 1")


def test_same_file_again_makes_no_new_version(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {"workflows/cart.json": CART})
    assert report(shop, "workflows.cart")["outcome"] == "unchanged"
    assert report(shop, "workflows.cart")["version"] == "1"


SENDERS = {"anna": {"name": "Anna", "address": "anna@mail.shop.example"}}


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("mail.shop.example", []),
        (
            "",
            [
                "senders.anna.address: this stack sends from one address alone (leave the address "
                "out, or deploy the stack with SenderPersonas=yes)"
            ],
        ),
        (
            "shop.example",
            [
                "senders.anna.address: anna@mail.shop.example is not of the domain that "
                "is verified (use an address of shop.example, or leave it out)"
            ],
        ),
    ],
)
def test_sender_address_must_be_of_the_stacks_domain(
    shop: Shop, domain: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = replace(publishing.publisher(), sender_domain=domain)
    monkeypatch.setattr(publishing, "publisher", lambda: publisher)
    upload(shop, {"settings.json": settings(senders=SENDERS)})
    assert problems(shop, "settings") == expected


def test_sender_in_use_cannot_be_removed(shop: Shop) -> None:
    anna = {"anna": {"name": "Anna"}}
    mails = workflow(send("hello", **{"from": "anna"}))
    upload(shop, {**files_of(cart=mails), "settings.json": settings(senders=anna)})
    assert report(shop, "workflows.cart")["outcome"] == "published"
    upload(shop, {"settings.json": settings()})
    assert problems(shop, "settings") == [
        'senders: "anna" sends mail of cart (change or delete that first)'
    ]


def test_changed_file_makes_a_new_version(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {"workflows/cart.json": CART | {"title": "Another"}})
    assert report(shop, "workflows.cart")["version"] == "2"


def test_mistake_leaves_the_live_version_unchanged(shop: Shop, printed: Printed) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {"workflows/cart.json": workflow(send("reminder", "plian"))})
    assert problems(shop) == [
        'steps[0].template: no template named "plian" is published (did you mean "plain"?)'
    ]
    assert printed.counted("PublicationsRefused") == 1
    upload(shop, {"workflows/cart.json": CART})
    assert report(shop, "workflows.cart")["outcome"] == "unchanged", "version 1 stayed live"


def test_workflow_goes_live_once_its_template_is_uploaded(shop: Shop) -> None:
    upload(shop, {"settings.json": settings(), "workflows/cart.json": CART})
    assert report(shop, "workflows.cart")["outcome"] == "refused"
    upload(shop, template("plain"))
    assert report(shop, "workflows.cart")["outcome"] == "published"


def test_every_unknown_name_in_a_workflow_is_reported(shop: Shop) -> None:
    document = workflow(
        send("first", "nothing", topic="ofers"),
        wait_for("second", "Order Completed", "1 day", where={"consents_to": "news"}),
        branch(
            "third", {"all": [{"consents_to": "newss"}, {"email": "frist", "was": "opened"}]}, []
        ),
        topic="sales",
        audience={"not": {"any": [{"consents_to": "offer"}]}},
        exit_on=[{"event": "Order Completed", "where": {"contact": "locale", "is": "en"}}],
        goal={"event": "Order Completed", "where": {"did": "Checkout Started"}},
        trigger={
            "type": "event",
            "event": "Checkout Started",
            "where": {"did": "Checkout Started", "where": {"in_workflow": "welcome"}},
        },
    )
    upload(shop, files_of(cart=document))
    assert problems(shop) == [
        "trigger.where.where: a where here can only ask about `event` and `contact` (use a branch)",
        "exit_on[0].where: a where here can only ask about `event` (use a branch)",
        "goal.where: a where here can only ask about `event` (use a branch)",
        "steps[1].where: a where here can only ask about `event` and `contact` (use a branch)",
        'steps[2].paths[0].if.all[1].email: no step "frist" of this workflow sends an e-mail '
        '(did you mean "first"?)',
        'topic: settings.json has no topic "sales"',
        'trigger.where.where.in_workflow: no workflow named "welcome" (upload its file)',
        'audience.not.any[0].consents_to: settings.json has no topic "offer" '
        '(did you mean "offers"?)',
        'steps[2].paths[0].if.all[0].consents_to: settings.json has no topic "newss" '
        '(did you mean "news"?)',
        'steps[0].topic: settings.json has no topic "ofers" (did you mean "offers"?)',
        'steps[0].template: no template named "nothing" is published (upload its folder to '
        "templates/)",
    ]


def test_marketing_needs_a_topic_and_an_unsubscribe_link(shop: Shop) -> None:
    bare = {"templates/bare/subject.txt": "Hello", "templates/bare/body.html": "<p>Hello</p>"}
    upload(shop, bare | {"workflows/cart.json": workflow(send("a", "bare"), topic=None)})
    found = problems(shop)
    assert (
        "steps[0]: marketing mail needs a topic (name the topics readers subscribe to in "
        in (found[0])
    )
    assert any("unsubscribe" in problem for problem in found)
    assert any("postal_address" in problem for problem in found)


def test_template_without_unsubscribe_link_is_allowed_in_transactional_mail(shop: Shop) -> None:
    bare = {"templates/bare/subject.txt": "Paid", "templates/bare/body.html": "<p>Thanks</p>"}
    receipt = workflow(send("a", "bare"), category="transactional", topic=None)
    upload(shop, {"settings.json": settings(), **bare, "workflows/cart.json": receipt})
    assert report(shop, "workflows.cart")["outcome"] == "published"


@pytest.mark.parametrize("name", ["Cart", "a_b", "a" * 41, "-a", "a.b", "é", " "])
def test_invalid_workflow_file_name_is_refused(shop: Shop, name: str) -> None:
    upload(shop, {**files_of(), f"workflows/{name}.json": CART})
    assert problems(shop, f"workflows.{name}")[0].startswith("file name: ")


def test_invalid_workflow_file_is_refused_with_all_problems(shop: Shop) -> None:
    upload(shop, {"workflows/cart.json": {"titel": "x", "steps": [{"type": "delay"}]}})
    assert len(problems(shop)) >= 4
    upload(shop, {"workflows/cart.json": "{"})
    assert problems(shop)[0].startswith("line 1, column 2: this is not JSON")


def test_file_over_1_mb_is_refused(shop: Shop) -> None:
    upload(shop, {"workflows/cart.json": json.dumps(CART) + "é" * 1024 * 1024})
    assert problems(shop) == ["file: is larger than 1 MB (split it)"]


def test_workflow_too_large_for_step_functions_is_refused_completely(
    shop: Shop,
) -> None:
    steps: list[Any] = []
    for number in range(900):
        steps += [delay("1 hour", f"wait-{number}"), wait_for(f"click-{number}", "Seen", "1 hour")]
    nested = [branch("b-1", {"event": "a", "is": 1}, steps[:900], steps[900:])]
    upload(shop, files_of(cart=workflow(*nested)))
    (problem,) = problems(shop)
    assert problem.startswith("steps: has too many steps: its state machine has ")
    assert "characters of 1,000,000 (split it in two" in problem
    assert shop.cloud.workflows(f"S#{shop.store}") == [
        item for item in shop.cloud.workflows(f"S#{shop.store}") if "PROGRAM" not in item["sk"]["S"]
    ]
    with pytest.raises(ClientError):
        shop.cloud.states.describe_state_machine(stateMachineArn=machine_of(shop, "cart"))


def test_file_that_cannot_be_finished_blocks_no_other(shop: Shop) -> None:
    for path, content in files_of(one=CART, two=CART).items():
        body = content if isinstance(content, str) else json.dumps(content)
        shop.cloud.s3.put_object(Bucket=BUCKET, Key=f"{shop.store}/{path}", Body=body)
    failing = publisher_with(WriterWithAnswers("go_live", False))
    with pytest.raises(ThrottledError, match=r"not finished: workflows/one.json"):
        failing.publish(shop.store, list(files_of(one=CART, two=CART)))
    assert report(shop, "workflows.two")["outcome"] == "published"


def test_workflow_too_large_for_dynamodb_is_refused(shop: Shop) -> None:
    condition = {"contact": "first_name", "is": "x" * 400_000}
    upload(shop, files_of(cart=workflow(branch("b", condition, []))))
    (problem,) = problems(shop)
    assert problem.startswith("steps: has too many steps: its compiled workflow has ")


def test_unknown_key_with_a_lone_surrogate_is_reported(shop: Shop) -> None:
    upload(shop, {"workflows/cart.json": '{"\\ud800": 1, "title": "\\udfff"}'})
    assert problems(shop) != []


def test_deleted_workflow_is_archived(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {}, deleted=("workflows/cart.json",))
    assert report(shop, "workflows.cart")["outcome"] == "archived"
    upload(shop, {}, deleted=("workflows/cart.json",))
    assert report(shop, "workflows.cart")["note"] == "nothing was live"
    upload(shop, {"workflows/cart.json": CART})
    assert report(shop, "workflows.cart")["outcome"] == "published"


def test_unused_template_can_be_deleted(shop: Shop) -> None:
    upload(shop, files_of("plain", "spare", cart=CART))
    upload(shop, {}, deleted=("templates/spare/subject.txt", "templates/spare/body.html"))
    assert report(shop, "templates.spare")["outcome"] == "archived"
    upload(shop, {"workflows/cart.json": workflow(send("reminder", "spare"))})
    assert "no template named" in problems(shop)[0]


def test_topic_in_use_cannot_be_removed(shop: Shop) -> None:
    upload(shop, files_of(cart=workflow(send("a"), send("b", topic="news"))))
    upload(shop, {"settings.json": settings(topics={"other": "Other"}, shop_topics=[])})
    assert problems(shop, "settings") == [
        'topics: "news" is used by cart (change or delete that first)',
        'topics: "offers" is used by cart (change or delete that first)',
    ]
    upload(shop, {}, deleted=("workflows/cart.json",))
    assert report(shop, "settings")["outcome"] == "published", (
        "the workflow that used the topic is gone"
    )


def publisher_with(writer: Any) -> Publisher:
    """A publisher with another writer of published state."""
    usual = publishing.publisher()
    workflows = replace(usual.workflows, publications=writer)
    return replace(usual, publications=writer, workflows=workflows)


class WriterWithAnswers:
    """The real writer, except that one method returns these answers first."""

    def __init__(self, name: str, *answers: Any) -> None:
        self._real = publishing.publisher().publications
        self._name, self._answers = name, list(answers)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name != self._name or not self._answers:
            return real
        answer = self._answers.pop(0)
        return lambda *_: answer


@pytest.mark.parametrize("change", ["new", "deleted", "renewed"])
def test_concurrent_publishes_do_not_overwrite_each_other(shop: Shop, change: str) -> None:
    """The second publish raises, is retried, and then sees the first."""
    upload(shop, files_of(cart=CART))
    key = f"{shop.store}/workflows/cart.json"
    if change == "renewed":
        upload(shop, {}, deleted=("workflows/cart.json",))
    if change == "deleted":
        shop.cloud.s3.delete_object(Bucket=BUCKET, Key=key)
    else:
        document = CART | {"title": "New"} if change == "new" else CART
        shop.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document))
    second = publisher_with(WriterWithAnswers("go_live", False))
    with pytest.raises(ThrottledError, match=r"not finished: workflows/cart.json"):
        second.publish(shop.store, ["workflows/cart.json"])
    (done,) = publishing.publisher().publish(shop.store, ["workflows/cart.json"])
    assert done.outcome == ("archived" if change == "deleted" else "published")


def test_version_that_was_never_live_keeps_its_number(shop: Shop) -> None:
    """A version whose publish was interrupted can have enrollments, so its number is not reused."""
    upload(shop, files_of(cart=CART))
    interrupted = publisher_with(WriterWithAnswers("go_live", False))
    upload_only = {"workflows/cart.json": CART | {"title": "Interrupted"}}
    for path, content in upload_only.items():
        key = f"{shop.store}/{path}"
        shop.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content))
    with pytest.raises(ThrottledError):
        interrupted.publish(shop.store, ["workflows/cart.json"])
    upload(shop, {"workflows/cart.json": CART | {"title": "Another"}})
    assert report(shop, "workflows.cart")["version"] == "3"


def test_file_that_keeps_changing_is_published_later(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))

    class ChangingFiles:
        """A bucket whose settings change on every read."""

        def __init__(self) -> None:
            self.real, self.reads = publishing.publisher().files, 0

        def read(self, store: str, path: str) -> str | None:
            self.reads += 1
            assert self.real.read(store, path) is not None
            return json.dumps(settings(name=f"Name {self.reads}"))

    publisher = replace(publishing.publisher(), files=cast("StoreFiles", ChangingFiles()))
    with pytest.raises(ThrottledError, match=r"not finished: settings.json"):
        publisher.publish(shop.store, ["settings.json"])


def test_template_in_use_cannot_be_deleted(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    paths = ("templates/plain/subject.txt", "templates/plain/body.html")
    upload(shop, {}, deleted=paths)
    assert problems(shop, "templates.plain") == [
        "templates/plain: is used by cart (its last version stays live)"
    ]
    upload(shop, {}, deleted=("workflows/cart.json",))
    assert report(shop, "templates.plain")["outcome"] == "archived", "it is not used any more"


def test_template_used_for_marketing_must_keep_its_unsubscribe_link(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {"templates/plain/body.html": "<p>Nothing else</p>"})
    assert all("used for marketing by cart" in p for p in problems(shop, "templates.plain"))
    assert report(shop, "templates.plain")["outcome"] == "refused"


def test_deleted_settings_file_keeps_the_last_settings(shop: Shop) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {}, deleted=("settings.json",))
    assert report(shop, "settings")["outcome"] == "kept"
    upload(shop, {"workflows/cart.json": CART | {"title": "New"}})
    assert report(shop, "workflows.cart")["outcome"] == "published"


def test_changed_layout_publishes_every_template_again(shop: Shop) -> None:
    files = files_of("one", "two") | {"templates/notes.txt": "not a template"}
    upload(shop, files)
    before = {name: report(shop, f"templates.{name}")["version"] for name in ("one", "two")}
    upload(shop, {"templates/_layout/strings.en.json": "{}"})
    for name, version in before.items():
        assert report(shop, f"templates.{name}")["outcome"] == "published"
        assert report(shop, f"templates.{name}")["version"] != version


@pytest.mark.parametrize(
    "path",
    [
        "",
        "readme.md",
        "workflows/",
        "workflows/a/b.json",
        "workflows/a.txt",
        "templates/",
        "templates/x",
        "templates/x/",
        "templates/_layout/",
        "/settings.json",
        "reports/x.json",
        "workflows",
        "x/settings.json",
    ],
)
def test_unrelated_file_changes_nothing(shop: Shop, path: str) -> None:
    before = shop.cloud.workflows(f"S#{shop.store}")
    batch = queued(changed_file(f"{shop.store}/{path}"))
    assert handler(batch, None) == {"batchItemFailures": []}
    assert shop.cloud.workflows(f"S#{shop.store}") == before == []


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "{}", '{"detail": {"object": {"key": 7}}}'])
def test_malformed_notification_is_skipped(shop: Shop, body: str) -> None:
    key = f"{shop.store}/settings.json"
    shop.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(settings()))
    assert handler(queued(body, changed_file(key)), None) == {"batchItemFailures": []}
    assert report(shop, "settings")["outcome"] == "published"


@pytest.mark.parametrize("folder", ["Shop", "..", "", "a#b", "s" * 31])
def test_folder_that_is_no_store_is_skipped(cloud: Cloud, folder: str) -> None:
    batch = queued(changed_file(f"{folder}/settings.json"))
    assert handler(batch, None) == {"batchItemFailures": []}


def test_workflow_name_too_long_for_the_stack_is_refused(shop: Shop) -> None:
    """The name of a state machine has at most 80 characters, with the stack's and store's name."""
    upload(shop, files_of(cart=CART))
    room = len(shop.store) + len("_") + 3
    usual = publishing.publisher()
    narrow = replace(usual, workflows=replace(usual.workflows, name_room=room))
    (refused,) = narrow.publish(shop.store, ["workflows/cart.json"])
    assert [str(problem) for problem in refused.problems] == [
        'file name: "cart" is too long for this stack (use 3 characters at most: a state '
        "machine's name has 80 in all)"
    ]


def test_failing_store_does_not_block_another(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = cloud.open_shop(), cloud.open_shop()
    for each in (one, two):
        key = f"{each.store}/settings.json"
        cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(settings()))

    real = Publisher.publish

    def publish(self: Publisher, store: str, paths: Any) -> Any:
        if store == one.store:
            raise RuntimeError("no more")
        return real(self, store, paths)

    monkeypatch.setattr(Publisher, "publish", publish)
    batch = queued(*(changed_file(f"{each.store}/settings.json") for each in (one, two)))
    assert handler(batch, None) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert report(two, "settings")["outcome"] == "published"


def test_unreachable_step_is_reported_before_step_functions_refuses_it(
    shop: Shop,
) -> None:
    document = workflow(
        wait_for("wait", "Seen", "1 day", [leave("a")], [send("b"), leave("c")]), send("late")
    )
    upload(shop, files_of(cart=document))
    assert problems(shop) == [
        'steps[1]: nothing reaches this step: "wait" above it leaves the workflow, whichever way '
        "it goes (move it above the exit, or delete it)"
    ]


# --- staff alerts ---


class AlertTopic:
    """Records alerts, or fails."""

    def __init__(self, down: bool = False) -> None:
        self.alerts: list[tuple[str, str, str]] = []
        self.down = down

    def send_alert(self, subject: str, text: str, store: str) -> None:
        if self.down:
            raise ThrottledError("SNS: EndpointConnectionError")
        self.alerts.append((subject, text, store))


@pytest.fixture
def topic(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AlertTopic:
    topic = AlertTopic()
    with_topic = core.settings()._replace(alarm_topic="arn:aws:sns:us-east-1:123456789012:alerts")
    monkeypatch.setattr(core, "settings", lambda: with_topic)
    monkeypatch.setattr(core, "alerts", lambda: topic)
    return topic


def test_staff_are_told_the_publish_result(shop: Shop, topic: AlertTopic) -> None:
    upload(shop, files_of(cart=CART))
    upload(shop, {"workflows/cart.json": workflow(send("reminder", "plian"))})
    (first, _, store), (second, text, _) = topic.alerts
    assert (first, store) == (f"{shop.store}: 3 published", shop.store)
    assert second == f"{shop.store}: workflows/cart.json was not published"
    assert 'did you mean "plain"?' in text


def test_staff_are_not_told_the_same_result_twice(shop: Shop, topic: AlertTopic) -> None:
    wrong = {"workflows/cart.json": workflow(send("reminder", "plian"))}
    files = files_of(cart=CART)
    upload(shop, files)
    upload(shop, {path: files[path] for path in files if path != "settings.json"})
    for _ in range(2):
        upload(shop, wrong)
    for _ in range(2):
        upload(shop, {"workflows/cart.json": CART})
    assert [subject.partition(": ")[2] for subject, _, _ in topic.alerts] == [
        "3 published",
        "workflows/cart.json was not published",
        "workflows/cart.json was live already as version 1",
    ]


def test_failing_alert_does_not_block_publishing(
    shop: Shop, topic: AlertTopic, printed: Printed
) -> None:
    topic.down = True
    upload(shop, files_of(cart=CART))
    assert report(shop, "workflows.cart")["outcome"] == "published"
    assert "alert failed" in str(printed.lines())


def test_finished_files_are_reported_though_another_file_fails(
    shop: Shop, topic: AlertTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(shop, files_of(cart=CART))
    second = publisher_with(WriterWithAnswers("go_live", False))
    monkeypatch.setattr(publishing, "publisher", lambda: second)
    changed = {
        "settings.json": settings(name="Another"),
        "workflows/cart.json": CART | {"title": "New"},
    }
    for path, content in changed.items():
        key = f"{shop.store}/{path}"
        shop.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content))
    failed = handler(queued(*(changed_file(f"{shop.store}/{path}") for path in changed)), None)
    assert failed["batchItemFailures"]
    assert topic.alerts[1:] != []
    assert topic.alerts[1][0] == f"{shop.store}: settings.json is live"
