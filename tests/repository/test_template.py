"""Rules for template.yaml as CloudFormation sees it, and broken templates that prove each rule."""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bench.imports import FLOORS
from milepost.wiring.environment import FunctionSettings
from tests.support import template_rules as rules
from tests.support.template import ROOT, TEMPLATE, Json, Stack, read_stack

pytestmark = pytest.mark.slow

LONGEST_HANDLER = 25
FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
RULES = [
    rules.no_cycles,
    rules.every_action_is_named,
    rules.every_resource_is_of_this_stack,
    rules.every_role_is_written_by_hand,
    rules.every_function_has_a_role_of_its_own,
    rules.only_run_steps_sends,
    rules.only_four_functions_alert_staff,
    rules.only_export_and_erasure_scan_tables,
    rules.only_self_feeding_functions_allow_recursion,
    rules.files_with_personal_data_expire,
    rules.workflows_call_two_functions,
    rules.every_service_is_limited_to_our_sources,
    rules.every_failure_is_kept,
    rules.every_dead_letter_raises_an_alarm,
    rules.the_stream_has_an_alarm,
    rules.a_count_that_is_wrong_raises_an_alarm,
    rules.queues_wait_for_their_function,
    rules.tables_and_bucket_outlive_the_stack,
    rules.the_bucket_is_private,
    rules.feedback_is_signed_with_sha256,
    rules.access_logs_hold_no_path,
    rules.the_api_is_throttled,
    rules.logs_expire,
    rules.two_stacks_fit_in_one_account,
    rules.everything_is_described,
    rules.parameters_are_validated,
    rules.no_function_is_traced,
]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return read_stack()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_template_obeys_rule(stack: Stack, rule: rules.Rule) -> None:
    assert list(rule(stack)) == []


# --- a broken template for each rule ---


@dataclass(frozen=True)
class Slip:
    """A possible mistake in the template, and the rule that must detect it."""

    rule: rules.Rule
    name: str
    make: Callable[[Json], object]


def properties(source: Json, resource: str) -> Json:
    found: Json = source["Resources"][resource]["Properties"]
    return found


def statement(source: Json, role: str, number: int = 0) -> Json:
    policy = properties(source, role)["Policies"][0]["PolicyDocument"]
    found: Json = policy["Statement"][number]
    return found


def document(source: Json, policy: str) -> Json:
    found: Json = properties(source, policy)["PolicyDocument"]["Statement"][0]
    return found


def api_url_in_a_function_it_calls(source: Json) -> None:
    variables = {"URL": {"Fn::Sub": "https://${Api}.example.com"}}
    properties(source, "TriggerEventFunction")["Environment"] = {"Variables": variables}


def without_its_own_role(source: Json) -> None:
    del properties(source, "TriggerEmailFunction")["Role"]


def event(source: Json, function: str, name: str) -> Json:
    found: Json = properties(source, function)["Events"][name]["Properties"]
    return found


SLIPS = [
    Slip(rules.no_cycles, "the API's address in a function", api_url_in_a_function_it_calls),
    Slip(
        rules.no_cycles,
        "the bucket depends on its reader",
        lambda s: s["Resources"]["Bucket"].update(DependsOn=["PublishFunction"]),
    ),
    Slip(
        rules.every_action_is_named,
        "a starred action",
        lambda s: statement(s, "UnsubscribeRole").update(Action="dynamodb:*"),
    ),
    Slip(
        rules.every_action_is_named,
        "everything but one action",
        lambda s: statement(s, "UnsubscribeRole").update(NotAction=["dynamodb:Scan"]),
    ),
    Slip(
        rules.every_resource_is_of_this_stack,
        "any resource",
        lambda s: statement(s, "UnsubscribeRole").update(Resource="*"),
    ),
    Slip(
        rules.every_resource_is_of_this_stack,
        "any state machine of the account",
        lambda s: statement(s, "ReactRole", 4).update(
            Resource={"Fn::Sub": "arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*"}
        ),
    ),
    Slip(rules.every_role_is_written_by_hand, "SAM writes the role", without_its_own_role),
    Slip(
        rules.every_role_is_written_by_hand,
        "a managed policy",
        lambda s: properties(s, "ReactRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"]
        ),
    ),
    Slip(
        rules.every_function_has_a_role_of_its_own,
        "a shared role",
        lambda s: properties(s, "AwaitEventFunction").update(
            Role={"Fn::GetAtt": ["RunStepsRole", "Arn"]}
        ),
    ),
    Slip(
        rules.only_run_steps_sends,
        "a second sender",
        lambda s: statement(s, "ReactRole").update(Action=["ses:SendEmail"]),
    ),
    Slip(
        rules.only_run_steps_sends,
        "any sender address",
        lambda s: properties(s, "RunStepsRole")["Policies"][1]["PolicyDocument"]["Statement"][
            0
        ].pop("Condition"),
    ),
    Slip(
        rules.only_run_steps_sends,
        "senders of any domain",
        lambda s: document(s, "SendAsPersonas")["Condition"]["StringLike"].update(
            {"ses:FromAddress": "*"}
        ),
    ),
    Slip(
        rules.only_run_steps_sends,
        "another role that may use personas",
        lambda s: properties(s, "SendAsPersonas")["Roles"].append({"Ref": "ReactRole"}),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "every topic of the account",
        lambda s: document(s, "TellStaff").update(Resource="*"),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "the topic that feeds the timeline",
        lambda s: document(s, "TellStaff").update(Resource={"Ref": "FeedbackTopic"}),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "more than publishing",
        lambda s: document(s, "TellStaff").update(Action=["sns:Publish", "sns:Subscribe"]),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "react may alert staff",
        lambda s: properties(s, "TellStaff")["Roles"].append({"Ref": "ReactRole"}),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "publish may not alert staff",
        lambda s: properties(s, "TellStaff").update(Roles=[{"Ref": "RunStepsRole"}]),
    ),
    Slip(
        rules.only_four_functions_alert_staff,
        "a separate alert permission in another role",
        lambda s: statement(s, "ReactRole").update(
            Action="sns:Publish", Resource={"Ref": "AlarmTopicArn"}
        ),
    ),
    Slip(
        rules.only_export_and_erasure_scan_tables,
        "react scans",
        lambda s: statement(s, "ReactRole").update(Action=["dynamodb:Scan"]),
    ),
    Slip(
        rules.only_export_and_erasure_scan_tables,
        "an export that writes contacts",
        lambda s: statement(s, "ExportContactsRole", 4).update(
            Action=["dynamodb:Scan", "dynamodb:PutItem"]
        ),
    ),
    Slip(
        rules.only_self_feeding_functions_allow_recursion,
        "an import that ends after sixteen rounds",
        lambda s: properties(s, "ImportContactsFunction").pop("RecursiveLoop"),
    ),
    Slip(
        rules.only_self_feeding_functions_allow_recursion,
        "recursion is allowed for another function",
        lambda s: properties(s, "PublishFunction").update(RecursiveLoop="Allow"),
    ),
    Slip(
        rules.files_with_personal_data_expire,
        "exports that never expire",
        lambda s: properties(s, "Bucket")["LifecycleConfiguration"]["Rules"].pop(),
    ),
    Slip(
        rules.files_with_personal_data_expire,
        "old versions of imports never expire",
        lambda s: properties(s, "Bucket")["LifecycleConfiguration"]["Rules"][1].pop(
            "NoncurrentVersionExpiration"
        ),
    ),
    Slip(
        rules.workflows_call_two_functions,
        "a third function",
        lambda s: statement(s, "MachineRole")["Resource"].append(
            {"Fn::GetAtt": ["PublishFunction", "Arn"]}
        ),
    ),
    Slip(
        rules.every_service_is_limited_to_our_sources,
        "any topic may write to the queue",
        lambda s: document(s, "FeedbackQueuePolicy").pop("Condition"),
    ),
    Slip(
        rules.every_service_is_limited_to_our_sources,
        "any configuration set may write to the topic",
        lambda s: document(s, "FeedbackTopicPolicy")["Condition"]["StringEquals"].pop(
            "AWS:SourceArn"
        ),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a stream without failure destination",
        lambda s: event(s, "ReactFunction", "Appended").pop("DestinationConfig"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a stream that retries forever",
        lambda s: event(s, "ReactFunction", "Appended").pop("MaximumRetryAttempts"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a queue without dead-letter queue",
        lambda s: properties(s, "FeedbackQueue").pop("RedrivePolicy"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a subscription without dead-letter queue",
        lambda s: properties(s, "FeedbackSubscription").pop("RedrivePolicy"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "an event rule without dead-letter queue",
        lambda s: properties(s, "FilesChangedRule")["Targets"][0].pop("DeadLetterConfig"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a schedule without dead-letter queue",
        lambda s: event(s, "TriggerDateFunction", "EveryMinute").pop("DeadLetterConfig"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "an asynchronous function without failure destination",
        lambda s: properties(s, "TriggerDateFunction").pop("EventInvokeConfig"),
    ),
    Slip(
        rules.every_failure_is_kept,
        "a rule that fills a queue without a function",
        lambda s: properties(s, "PublishFunction").pop("Events"),
    ),
    Slip(
        rules.every_dead_letter_raises_an_alarm,
        "an alarm is gone",
        lambda s: s["Resources"].pop("PublishDeadLettersAlarm"),
    ),
    Slip(
        rules.every_dead_letter_raises_an_alarm,
        "an alarm waits for a second one",
        lambda s: properties(s, "ReactDeadLettersAlarm").update(Threshold=1),
    ),
    Slip(
        rules.the_stream_has_an_alarm,
        "no alarm on its age",
        lambda s: s["Resources"].pop("ReactLagAlarm"),
    ),
    Slip(
        rules.a_count_that_is_wrong_raises_an_alarm,
        "no alarm on it",
        lambda s: s["Resources"].pop("CountsUnbalancedAlarm"),
    ),
    Slip(
        rules.a_count_that_is_wrong_raises_an_alarm,
        "an alarm on a metric without its dimension",
        lambda s: properties(s, "CountsUnbalancedAlarm").update(Dimensions=[]),
    ),
    Slip(
        rules.queues_wait_for_their_function,
        "a slower function",
        lambda s: properties(s, "TriggerEmailFunction").update(Timeout=31),
    ),
    Slip(
        rules.tables_and_bucket_outlive_the_stack,
        "a table is deleted with the stack",
        lambda s: s["Resources"]["ContactsTable"].pop("DeletionPolicy"),
    ),
    Slip(
        rules.tables_and_bucket_outlive_the_stack,
        "a table is deleted when it is replaced",
        lambda s: s["Resources"]["WorkflowsTable"].update(UpdateReplacePolicy="Delete"),
    ),
    Slip(
        rules.tables_and_bucket_outlive_the_stack,
        "no point-in-time recovery",
        lambda s: properties(s, "ContactsTable").pop("PointInTimeRecoverySpecification"),
    ),
    Slip(
        rules.tables_and_bucket_outlive_the_stack,
        "no versions",
        lambda s: properties(s, "Bucket").pop("VersioningConfiguration"),
    ),
    Slip(
        rules.the_bucket_is_private,
        "a public policy is allowed",
        lambda s: properties(s, "Bucket")["PublicAccessBlockConfiguration"].pop(
            "BlockPublicPolicy"
        ),
    ),
    Slip(
        rules.the_bucket_is_private,
        "plain connections",
        lambda s: s["Resources"].pop("BucketPolicy"),
    ),
    Slip(
        rules.feedback_is_signed_with_sha256,
        "SNS's default",
        lambda s: properties(s, "FeedbackTopic").pop("SignatureVersion"),
    ),
    Slip(
        rules.access_logs_hold_no_path,
        "the path",
        lambda s: properties(s, "Api")["AccessLogSettings"].update(Format="$context.path"),
    ),
    Slip(
        rules.access_logs_hold_no_path,
        "no format, which is API Gateway's own",
        lambda s: properties(s, "Api")["AccessLogSettings"].pop("Format"),
    ),
    Slip(
        rules.the_api_is_throttled,
        "no burst limit",
        lambda s: properties(s, "Api")["DefaultRouteSettings"].pop("ThrottlingBurstLimit"),
    ),
    Slip(
        rules.logs_expire,
        "logs that never expire",
        lambda s: properties(s, "AccessLogs").pop("RetentionInDays"),
    ),
    Slip(
        rules.logs_expire,
        "a log group that Lambda creates",
        lambda s: s["Globals"]["Function"].pop("LoggingConfig"),
    ),
    Slip(
        rules.two_stacks_fit_in_one_account,
        "SAM's name for the schedule",
        lambda s: event(s, "TriggerDateFunction", "EveryMinute").pop("Name"),
    ),
    Slip(
        rules.two_stacks_fit_in_one_account,
        "a function with a name",
        lambda s: properties(s, "ReactFunction").update(FunctionName={"Ref": "AWS::StackName"}),
    ),
    Slip(
        rules.two_stacks_fit_in_one_account,
        "a queue with a fixed name",
        lambda s: properties(s, "FeedbackQueue").update(QueueName="feedback"),
    ),
    Slip(
        rules.everything_is_described,
        "a parameter",
        lambda s: s["Parameters"]["LogLevel"].pop("Description"),
    ),
    Slip(
        rules.everything_is_described,
        "an output",
        lambda s: s["Outputs"]["ApiUrl"].pop("Description"),
    ),
    Slip(
        rules.parameters_are_validated,
        "any sender address",
        lambda s: s["Parameters"]["SenderAddress"].pop("AllowedPattern"),
    ),
    Slip(
        rules.no_function_is_traced,
        "X-Ray for all",
        lambda s: s["Globals"]["Function"].update(Tracing="Active"),
    ),
]


@pytest.mark.no_cover
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.rule.__name__}: {slip.name}")
def test_broken_template_breaks_rule(slip: Slip) -> None:
    assert list(slip.rule(read_stack(slip.make))) != []


def test_every_rule_has_a_broken_template() -> None:
    assert {slip.rule for slip in SLIPS} == set(RULES)


# --- the template and the folders ---


def test_functions_and_folders_match(stack: Stack) -> None:
    functions = {
        name: resource["Properties"]["CodeUri"]
        for name, resource in stack.source["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {logical_id(folder): f"functions/{folder}" for folder in FOLDERS}


def logical_id(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("_")) + "Function"


@pytest.mark.parametrize("folder", FOLDERS)
def test_handler_exists_where_template_says(stack: Stack, folder: str) -> None:
    module, _, attribute = stack.source["Globals"]["Function"]["Handler"].partition(".")
    path = ROOT / "functions" / folder / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"functions.{folder}.{module}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert callable(getattr(loaded, attribute))


@pytest.mark.parametrize("folder", FOLDERS)
def test_preload_is_last_statement_of_handler(folder: str) -> None:
    """`preload` turns garbage collection on again. Without it, garbage collection stays off."""
    source = ROOT / "layers/common/milepost/handlers" / f"{folder}.py"
    last = ast.parse(source.read_text("utf-8")).body[-1]
    assert ast.unparse(last).startswith("preload(")


def test_bench_measures_import_of_every_handler() -> None:
    assert sorted(FLOORS) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_function_file_is_short_and_imports_only_its_handler(folder: str) -> None:
    text = (ROOT / "functions" / folder / "app.py").read_text()
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert all(name.startswith("milepost.handlers") for name in imported)
    assert len(text.splitlines()) <= LONGEST_HANDLER


def test_function_folder_contains_only_its_handler() -> None:
    tracked = [path for path in ROOT.glob("functions/*/*") if path.name != "__pycache__"]
    assert [path.name for path in tracked] == ["app.py"] * len(FOLDERS)


def test_every_template_variable_is_a_setting(stack: Stack) -> None:
    known = {f"MILEPOST_{name.upper()}" for name in FunctionSettings._fields}
    given = {
        name
        for _, function in stack.properties("AWS::Lambda::Function")
        for name in function["Environment"]["Variables"]
    }
    assert {name for name in given - known if name.startswith("MILEPOST_")} == set()


# --- which files trigger a publish ---

PUBLISHED = [
    "shop/workflows/welcome.json",
    "shop/templates/welcome/body.mjml",
    "shop/templates/welcome/strings.fa-IR.json",
    "shop/settings.json",
]
NOT_PUBLISHED = [
    "shop/reports/workflows.welcome.report.json",
    "shop/reports/workflows.welcome.report.md",
    "shop/reports/settings.report.json",
    "shop/reports/templates.welcome.report.json",
    "shop/workflows/notes.txt",
    "settings.json",
]


def starts(stack: Stack, rule: str, key: str) -> bool:
    """Whether a key matches a rule. EventBridge's `*` matches any characters, slashes included."""
    patterns = dict(stack.properties("AWS::Events::Rule"))[rule]
    keys = patterns["EventPattern"]["detail"]["object"]["key"]
    return any(fnmatchcase(key, pattern["wildcard"]) for pattern in keys)


@pytest.mark.parametrize("key", PUBLISHED)
def test_store_file_triggers_publish(stack: Stack, key: str) -> None:
    assert starts(stack, "FilesChangedRule", key)


@pytest.mark.parametrize("key", NOT_PUBLISHED)
def test_report_file_does_not_trigger_publish(stack: Stack, key: str) -> None:
    assert not starts(stack, "FilesChangedRule", key)


@pytest.mark.parametrize(
    ("key", "rules_"),
    [
        ("shop/imports/people.csv", {"ImportAskedRule"}),
        ("shop/imports/people.jsonl", {"ImportAskedRule"}),
        ("shop/imports/people.import.json", {"ImportAskedRule"}),
        ("shop/imports/people-0a1b2c3d.undo.json", {"ImportAskedRule"}),
        ("shop/imports/people.xlsx", set()),
        ("shop/reports/imports.people-0a1b2c3d.report.json", set()),
        ("shop/reports/imports.people-0a1b2c3d.errors-0001.csv", set()),
        ("shop/exports/all.export.json", {"ExportAskedRule"}),
        ("shop/exports/all-0a1b2c3d/contacts-0001.jsonl", set()),
        ("shop/reports/exports.all-0a1b2c3d.report.json", set()),
    ],
)
def test_import_and_export_files_trigger_only_their_function(
    stack: Stack, key: str, rules_: set[str]
) -> None:
    every = ("FilesChangedRule", "ImportAskedRule", "ExportAskedRule")
    assert {rule for rule in every if starts(stack, rule, key)} == rules_


# --- AWS's linter ---


def validate(template: Path) -> subprocess.CompletedProcess[str]:
    """Run SAM's and cfn-lint's checks without an account, a Region or a network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "samcli", "validate", "--lint", "--template", str(template)],
        cwd=template.parent,
        env=kept | {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.no_cover
def test_sam_validate_and_cfn_lint_find_nothing() -> None:
    done = validate(TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.no_cover
def test_cfn_lint_reports_a_broken_template(tmp_path: Path) -> None:
    broken = tmp_path / "template.yaml"
    broken.write_text(TEMPLATE.read_text().replace("BillingMode:", "BilingMode:", 1))
    done = validate(broken)
    assert "BilingMode" in done.stdout + done.stderr
    assert done.returncode != 0
