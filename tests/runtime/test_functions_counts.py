"""run_steps queues counts, trigger_date does them, `milepost counts` counts at any time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.trigger_date.app import handler as trigger_date
from milepost.aws import keys
from milepost.base.dates import next_night
from milepost.wiring import core, runtime
from milepost_tools.cli.app import main
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import ENVIRONMENT, Item, Shop
from tests.support.handlers import run, tell, upload

VISIT = workflow(send("hello"), on="Visited", category="transactional")
STACK = "milepost-here"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


class FakeCloudFormation:
    """A CloudFormation client that knows the outputs of one stack."""

    def describe_stacks(self, *, StackName: str) -> Item:
        if StackName != STACK:
            error: Any = {"Error": {"Code": "ValidationError", "Message": "no such stack"}}
            raise ClientError(error, "DescribeStacks")
        outputs = {
            "ContactsTableName": ENVIRONMENT["MILEPOST_CONTACTS_TABLE"],
            "WorkflowsTableName": ENVIRONMENT["MILEPOST_WORKFLOWS_TABLE"],
        }
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"Outputs": listed}]}


@pytest.fixture
def shop_with_mail(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop whose workflow has sent an e-mail."""
    real = core.client
    monkeypatch.setattr(
        core,
        "client",
        lambda name: FakeCloudFormation() if name == "cloudformation" else real(name),
    )
    upload(shop, files_of(visit=VISIT))
    tell(shop, "Visited")
    run(shop, "visit", "hello")
    yield shop


def remove_message(shop: Shop) -> None:
    """Lose the decision about the e-mail."""
    (message,) = shop.items("MESSAGE#")
    key = {"pk": message["pk"], "sk": message["sk"]}
    core.table(core.settings().contacts_table).delete(key)


def make_due(shop: Shop) -> None:
    """Make the shop's only count due."""
    jobs = runtime.count_jobs()
    (job,) = (job for job in _all_jobs() if job["store"] == shop.store)
    jobs.table.delete(keys.count_job(datetime.fromisoformat(job["due"]), shop.store, "visit"))
    jobs.table.put_new(
        keys.count_job(YESTERDAY, shop.store, "visit")
        | {name: {"S": job[name]} for name in ("store", "workflow", "done")}
        | {"due": {"S": YESTERDAY.isoformat(timespec="milliseconds").replace("+00:00", "Z")}}
    )


def _all_jobs() -> list[dict[str, Any]]:
    return [
        *runtime.count_jobs().table.query(
            KeyConditionExpression="pk = :pk", values={":pk": keys.COUNTS}
        )
    ]


def test_block_run_queues_its_workflow_for_the_nightly_count(shop_with_mail: Shop) -> None:
    run(shop_with_mail, "visit", "hello")
    (job,) = (job for job in _all_jobs() if job["store"] == shop_with_mail.store)
    assert (job["workflow"], job["done"]) == ("visit", "")
    assert datetime.fromisoformat(job["due"]) == next_night(datetime.now(UTC))


def test_scheduler_counts_due_workflows_and_emits_metrics(
    shop_with_mail: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    make_due(shop_with_mail)
    capsys.readouterr()
    trigger_date({}, None)
    said = capsys.readouterr().out
    (line,) = (json.loads(line) for line in said.splitlines() if "workflow counted" in line)
    assert (line["store"], line["workflow"]) == (shop_with_mail.store, "visit")
    assert {name: line[name] for name in ("entered", "decided", "sent", "failed")} == {
        "entered": 1,
        "decided": 1,
        "sent": 1,
        "failed": 0,
    }
    assert "CountsUnbalanced" not in said
    assert [job for job in _all_jobs() if job["store"] == shop_with_mail.store] == []
    assert runtime.count_jobs().last_started(shop_with_mail.store, "visit") is not None
    trigger_date({}, None)
    assert "workflow counted" not in capsys.readouterr().out


def test_lost_decision_emits_metric_and_log_line(
    shop_with_mail: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    remove_message(shop_with_mail)
    make_due(shop_with_mail)
    capsys.readouterr()
    trigger_date({}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (error,) = (each for each in lines if each.get("message") == "counts unbalanced")
    named = ("store", "workflow", "step", "off", "missing", "extra")
    assert [error[name] for name in named] == [shop_with_mail.store, "visit", "hello", 1, 1, 0]
    (metric,) = (each for each in lines if "CountsUnbalanced" in each)
    assert metric["CountsUnbalanced"] == [1.0]
    assert metric["service"] == "milepost"
    (described,) = metric["_aws"]["CloudWatchMetrics"]
    assert (described["Namespace"], described["Dimensions"]) == ("Milepost", [["service"]])


def test_command_line_prints_table_with_correct_sums(
    shop_with_mail: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["counts", shop_with_mail.store, "visit", "--stack", STACK]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 entered: 1 completed",
        "step   decided  sent  skipped  failed  unknown  missing  extra",
        "hello  1        1     0        0       0        0        0",
        "everything adds up",
    ]


def test_command_line_names_missing_decisions(
    shop_with_mail: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    remove_message(shop_with_mail)
    capsys.readouterr()
    assert main(["counts", shop_with_mail.store, "visit", "--stack", STACK]) == 1
    said = capsys.readouterr().out
    (enrollment,) = shop_with_mail.items("ENROLLMENT#")
    name = enrollment["sk"]["S"].rpartition("#")[2]
    assert f"missing: hello of enrollment {name}, contact " in said
    assert "1 do not add up: please report it" in said
    assert main(["counts", shop_with_mail.store, "visit", "--stack", STACK, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["steps"]["hello"] == {
        "decided": 1,
        "sent": 0,
        "skipped": 0,
        "failed": 0,
        "unknown": 0,
        "missing": 1,
        "extra": 0,
        "reasons": {},
        "off": 1,
        "delivered": 0,
        "opened": 0,
        "clicked": 0,
        "bounced": 0,
        "complained": 0,
    }
    assert [(each["enrollment"], each["step"]) for each in document["missing"]] == [(name, "hello")]


@pytest.mark.parametrize(
    ("workflow_name", "stack", "said"),
    [("vist", STACK, "check both names"), ("visit", "other", "there is no stack")],
)
def test_command_line_reports_an_unknown_workflow(
    shop_with_mail: Shop,
    capsys: pytest.CaptureFixture[str],
    workflow_name: str,
    stack: str,
    said: str,
) -> None:
    assert main(["counts", shop_with_mail.store, workflow_name, "--stack", stack]) == 2
    assert said in capsys.readouterr().err
