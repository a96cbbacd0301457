"""template.yaml as CloudFormation will see it: what it must keep, and proof that rules notice."""

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
    rules.every_resource_is_ours,
    rules.every_role_is_written_by_hand,
    rules.every_function_has_a_role_of_its_own,
    rules.only_run_steps_sends,
    rules.only_four_functions_tell_staff,
    rules.only_whole_stores_are_read_from_whole_tables,
    rules.whoever_calls_itself_may_go_on,
    rules.files_of_people_go,
    rules.workflows_call_two_functions,
    rules.every_sender_is_pinned,
    rules.every_failure_has_a_place,
    rules.every_dead_letter_raises_an_alarm,
    rules.the_stream_is_watched,
    rules.a_count_that_is_wrong_raises_an_alarm,
    rules.queues_wait_for_their_function,
    rules.what_people_made_survives,
    rules.the_bucket_is_private,
    rules.feedback_is_signed_with_sha256,
    rules.access_logs_hold_no_path,
    rules.the_api_is_throttled,
    rules.logs_are_kept_for_a_time,
    rules.two_stacks_fit_in_one_account,
    rules.everything_is_described,
    rules.parameters_are_guarded,
    rules.nothing_traces,
]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return read_stack()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps_the_rule(stack: Stack, rule: rules.Rule) -> None:
    assert list(rule(stack)) == []


# --- each rule notices ---


@dataclass(frozen=True)
class Slip:
    """A mistake that someone could make in the template, and the rule that must notice it."""

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
        rules.every_resource_is_ours,
        "any resource",
        lambda s: statement(s, "UnsubscribeRole").update(Resource="*"),
    ),
    Slip(
        rules.every_resource_is_ours,
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
        "another role that sends as personas",
        lambda s: properties(s, "SendAsPersonas")["Roles"].append({"Ref": "ReactRole"}),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "every topic of the account",
        lambda s: document(s, "TellStaff").update(Resource="*"),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "the topic that feeds the timeline",
        lambda s: document(s, "TellStaff").update(Resource={"Ref": "FeedbackTopic"}),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "more than publishing",
        lambda s: document(s, "TellStaff").update(Action=["sns:Publish", "sns:Subscribe"]),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "react speaks to staff too",
        lambda s: properties(s, "TellStaff")["Roles"].append({"Ref": "ReactRole"}),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "nobody hears what publishing came to",
        lambda s: properties(s, "TellStaff").update(Roles=[{"Ref": "RunStepsRole"}]),
    ),
    Slip(
        rules.only_four_functions_tell_staff,
        "a right of its own in another role",
        lambda s: statement(s, "ReactRole").update(
            Action="sns:Publish", Resource={"Ref": "AlarmTopicArn"}
        ),
    ),
    Slip(
        rules.only_whole_stores_are_read_from_whole_tables,
        "react scans",
        lambda s: statement(s, "ReactRole").update(Action=["dynamodb:Scan"]),
    ),
    Slip(
        rules.only_whole_stores_are_read_from_whole_tables,
        "an export that writes contacts",
        lambda s: statement(s, "ExportContactsRole", 4).update(
            Action=["dynamodb:Scan", "dynamodb:PutItem"]
        ),
    ),
    Slip(
        rules.whoever_calls_itself_may_go_on,
        "an import that ends after sixteen rounds",
        lambda s: properties(s, "ImportContactsFunction").pop("RecursiveLoop"),
    ),
    Slip(
        rules.whoever_calls_itself_may_go_on,
        "the net is taken away from another",
        lambda s: properties(s, "PublishFunction").update(RecursiveLoop="Allow"),
    ),
    Slip(
        rules.files_of_people_go,
        "an export that stays",
        lambda s: properties(s, "Bucket")["LifecycleConfiguration"]["Rules"].pop(),
    ),
    Slip(
        rules.files_of_people_go,
        "an imported file whose old versions stay",
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
        rules.every_sender_is_pinned,
        "any topic may feed the queue",
        lambda s: document(s, "FeedbackQueuePolicy").pop("Condition"),
    ),
    Slip(
        rules.every_sender_is_pinned,
        "any configuration set may feed the topic",
        lambda s: document(s, "FeedbackTopicPolicy")["Condition"]["StringEquals"].pop(
            "AWS:SourceArn"
        ),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a stream without",
        lambda s: event(s, "ReactFunction", "Appended").pop("DestinationConfig"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a stream that retries for ever",
        lambda s: event(s, "ReactFunction", "Appended").pop("MaximumRetryAttempts"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a queue without",
        lambda s: properties(s, "FeedbackQueue").pop("RedrivePolicy"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a subscription without",
        lambda s: properties(s, "FeedbackSubscription").pop("RedrivePolicy"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "an event rule without",
        lambda s: properties(s, "FilesChangedRule")["Targets"][0].pop("DeadLetterConfig"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a schedule without",
        lambda s: event(s, "TriggerDateFunction", "EveryMinute").pop("DeadLetterConfig"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "an asynchronous function without",
        lambda s: properties(s, "TriggerDateFunction").pop("EventInvokeConfig"),
    ),
    Slip(
        rules.every_failure_has_a_place,
        "a rule that fills a queue which nobody reads",
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
        rules.the_stream_is_watched,
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
        "an alarm on a metric without its dimension, which never comes",
        lambda s: properties(s, "CountsUnbalancedAlarm").update(Dimensions=[]),
    ),
    Slip(
        rules.queues_wait_for_their_function,
        "a slower function",
        lambda s: properties(s, "TriggerEmailFunction").update(Timeout=31),
    ),
    Slip(
        rules.what_people_made_survives,
        "a table goes with the stack",
        lambda s: s["Resources"]["ContactsTable"].pop("DeletionPolicy"),
    ),
    Slip(
        rules.what_people_made_survives,
        "a table goes when it is replaced",
        lambda s: s["Resources"]["WorkflowsTable"].update(UpdateReplacePolicy="Delete"),
    ),
    Slip(
        rules.what_people_made_survives,
        "no point-in-time recovery",
        lambda s: properties(s, "ContactsTable").pop("PointInTimeRecoverySpecification"),
    ),
    Slip(
        rules.what_people_made_survives,
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
        rules.logs_are_kept_for_a_time,
        "for ever",
        lambda s: properties(s, "AccessLogs").pop("RetentionInDays"),
    ),
    Slip(
        rules.logs_are_kept_for_a_time,
        "a group that Lambda makes",
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
        rules.parameters_are_guarded,
        "any sender address",
        lambda s: s["Parameters"]["SenderAddress"].pop("AllowedPattern"),
    ),
    Slip(
        rules.nothing_traces,
        "X-Ray for all",
        lambda s: s["Globals"]["Function"].update(Tracing="Active"),
    ),
]


@pytest.mark.no_cover
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.rule.__name__}: {slip.name}")
def test_a_slip_is_noticed(slip: Slip) -> None:
    assert list(slip.rule(read_stack(slip.make))) != []


def test_every_rule_is_shown_to_notice_something() -> None:
    assert {slip.rule for slip in SLIPS} == set(RULES)


# --- the template and the folders ---


def test_functions_and_folders_agree_both_ways(stack: Stack) -> None:
    functions = {
        name: resource["Properties"]["CodeUri"]
        for name, resource in stack.source["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {logical_id(folder): f"functions/{folder}" for folder in FOLDERS}


def logical_id(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("_")) + "Function"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_handler_is_where_the_template_says(stack: Stack, folder: str) -> None:
    module, _, attribute = stack.source["Globals"]["Function"]["Handler"].partition(".")
    path = ROOT / "functions" / folder / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"functions.{folder}.{module}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert callable(getattr(loaded, attribute))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_cold_start_ends_where_the_entrypoint_does(folder: str) -> None:
    """Until `preload` nobody looks for garbage: whoever forgets it never does."""
    source = ROOT / "layers/common/milepost/handlers" / f"{folder}.py"
    last = ast.parse(source.read_text("utf-8")).body[-1]
    assert ast.unparse(last).startswith("preload(")


def test_the_start_of_every_handler_is_measured() -> None:
    assert sorted(FLOORS) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_handler_file_is_a_sentence(folder: str) -> None:
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


def test_a_function_folder_holds_nothing_but_its_handler() -> None:
    tracked = [path for path in ROOT.glob("functions/*/*") if path.name != "__pycache__"]
    assert [path.name for path in tracked] == ["app.py"] * len(FOLDERS)


def test_every_variable_of_the_template_is_a_setting(stack: Stack) -> None:
    known = {f"MILEPOST_{name.upper()}" for name in FunctionSettings._fields}
    given = {
        name
        for _, function in stack.properties("AWS::Lambda::Function")
        for name in function["Environment"]["Variables"]
    }
    assert {name for name in given - known if name.startswith("MILEPOST_")} == set()


# --- which files start a publication ---

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
    """EventBridge's wildcard is a star for any run of characters, slashes included."""
    patterns = dict(stack.properties("AWS::Events::Rule"))[rule]
    keys = patterns["EventPattern"]["detail"]["object"]["key"]
    return any(fnmatchcase(key, pattern["wildcard"]) for pattern in keys)


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_file_of_a_marketer_starts_a_publication(stack: Stack, key: str) -> None:
    assert starts(stack, "FilesChangedRule", key)


@pytest.mark.parametrize("key", NOT_PUBLISHED)
def test_a_report_never_starts_the_publication_that_wrote_it(stack: Stack, key: str) -> None:
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
def test_what_goes_in_and_out_starts_what_it_asks_for_and_never_itself(
    stack: Stack, key: str, rules_: set[str]
) -> None:
    every = ("FilesChangedRule", "ImportAskedRule", "ExportAskedRule")
    assert {rule for rule in every if starts(stack, rule, key)} == rules_


# --- the linter of AWS ---


def validate(template: Path) -> subprocess.CompletedProcess[str]:
    """Run SAM's and cfn-lint's checks without an account, a region of one's own or a network."""
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
def test_sam_and_cfn_lint_have_nothing_to_say() -> None:
    done = validate(TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.no_cover
def test_cfn_lint_would_say_something(tmp_path: Path) -> None:
    broken = tmp_path / "template.yaml"
    broken.write_text(TEMPLATE.read_text().replace("BillingMode:", "BilingMode:", 1))
    done = validate(broken)
    assert "BilingMode" in done.stdout + done.stderr
    assert done.returncode != 0
