"""The rules that every version of template.yaml must obey. A rule returns one sentence per
violation."""

import re
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import chain

from tests.support.template import (
    Json,
    Stack,
    Statement,
    dependencies,
    identity_statements,
    listed,
    resource_statements,
    target_of,
    text_of,
)

Rule = Callable[[Stack], Iterator[str]]

TABLE = "AWS::DynamoDB::Table"
QUEUE = "AWS::SQS::Queue"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
# Its name only has to be unique within its API.
NAMED_INSIDE_ANOTHER = {"AWS::ApiGatewayV2::Stage"}
# Without the path, the query and the caller's address: a path can contain a token.
LOGGABLE = {
    "$context.requestId",
    "$context.requestTimeEpoch",
    "$context.routeKey",
    "$context.status",
    "$context.responseLatency",
    "$context.responseLength",
    "$context.integrationErrorMessage",
}


def no_cycles(stack: Stack) -> Iterator[str]:
    """CloudFormation refuses cycles, and no linter sees those that SAM's transform creates."""
    try:
        TopologicalSorter(dependencies(stack)).prepare()
    except CycleError as error:
        yield "a dependency cycle: " + " -> ".join(error.args[1])


def every_action_is_named(stack: Stack) -> Iterator[str]:
    """No role may do more than what is written out."""
    for statement in chain(identity_statements(stack), resource_statements(stack)):
        if not statement.allows:
            continue
        if statement.body.keys() & {"NotAction", "NotResource", "NotPrincipal"}:
            yield f"{statement.place} allows everything except something"
        for action in statement.actions:
            if "*" in action:
                yield f"{statement.place} allows {action}"


def every_resource_is_of_this_stack(stack: Stack) -> Iterator[str]:
    """A star may only follow a text that contains the name of this stack or of one of its
    resources."""
    resources = stack.translated["Resources"]
    for statement in identity_statements(stack):
        for resource in statement.resources:
            before, star, _ = text_of(resource).partition("*")
            ours = "${AWS::StackName}" in before or any(
                f"${{{n}.Arn}}" in before for n in resources
            )
            if statement.actions == ["ses:GetAccount"]:
                continue  # the account itself: SES has no resource for it
            if statement.allows and star and not ours:
                yield f"{statement.place} reaches {text_of(resource)}"


def every_role_is_written_by_hand(stack: Stack) -> Iterator[str]:
    """AWS's managed policies, which SAM attaches on its own, allow every stream, queue and log."""
    resources = stack.translated["Resources"]
    for name, role in stack.properties("AWS::IAM::Role"):
        for policy in role.get("ManagedPolicyArns", []):
            if target_of(policy) not in resources:
                yield f"{name} has a policy that is not ours: {text_of(policy)}"


def every_function_has_a_role_of_its_own(stack: Stack) -> Iterator[str]:
    """Two functions that share a role have the union of their permissions."""
    owner: dict[str, str] = {}
    for name, function in stack.properties(FUNCTION):
        role = target_of(function["Role"])
        if role in owner:
            yield f"{name} shares {role} with {owner[role]}"
        owner[role] = name


def only_run_steps_sends(stack: Stack) -> Iterator[str]:
    """SES has one call site; its permission is limited to the sender and the configuration set. A
    second policy of the same role allows the other addresses of the sender's domain."""
    policies = dict(stack.properties("AWS::IAM::ManagedPolicy"))
    holders = [
        s for s in identity_statements(stack) if any(a.startswith("ses:") for a in s.actions)
    ]
    if {statement.place for statement in holders} != {"RunStepsRole", "SendAsPersonas"}:
        yield f"these may use SES: {[statement.place for statement in holders]}"
    for statement in holders:
        roles = policies.get(statement.place, {}).get("Roles", [{"Ref": statement.place}])
        if [target_of(role) for role in roles] != ["RunStepsRole"]:
            yield f"{statement.place} lets these roles send: {[target_of(role) for role in roles]}"
        like = statement.body.get("Condition", {}).get("StringLike", {}).values()
        if any(not text_of(pattern).startswith("*@${") for pattern in like):
            yield f"{statement.place} may send from addresses of any domain"
        if statement.actions == ["ses:GetAccount"]:
            continue  # the account's sending rate and quota
        if statement.actions != ["ses:SendEmail"] or "ses:fromaddress" not in statement.sources:
            yield f"{statement.place} may do more with SES than send from the sender's address"


SPEAKERS = ["RunStepsRole", "PublishRole", "PrivacyRole", "TriggerEmailRole"]
WHOLE_TABLES = {"ExportContactsRole", "PrivacyRole"}


def only_four_functions_alert_staff(stack: Stack) -> Iterator[str]:
    """Alerts of workflows, publishing, imports and marketing stops go to the one topic that the
    shop chose."""
    policies = dict(stack.properties("AWS::IAM::ManagedPolicy"))
    for statement in identity_statements(stack):
        if not any(action.startswith("sns:") for action in statement.actions):
            continue
        holders = policies.get(statement.place, {}).get("Roles", [{"Ref": statement.place}])
        if [target_of(holder) for holder in holders] != SPEAKERS:
            roles = [target_of(holder) for holder in holders]
            yield f"{statement.place} lets these roles alert staff: {roles}"
        reached = [text_of(resource) for resource in statement.resources]
        if statement.actions != ["sns:Publish"] or reached != ["${AlarmTopicArn}"]:
            yield f"{statement.place} may {statement.actions} on {reached}"


def only_export_and_erasure_scan_tables(stack: Stack) -> Iterator[str]:
    """A scan costs as much as the whole table contains, so a function that scans every day is a
    mistake. Only export and erasure of a whole store may scan."""
    for statement in identity_statements(stack):
        if "dynamodb:Scan" not in statement.actions:
            continue
        if statement.place not in WHOLE_TABLES:
            yield f"{statement.place} may read whole tables"
        if statement.actions != ["dynamodb:Scan"]:
            yield f"{statement.place} may do more with the table than read it"


def only_self_feeding_functions_allow_recursion(stack: Stack) -> Iterator[str]:
    """Lambda stops a chain of sixteen calls through one queue, unless it is configured as intended.

    Only a function that feeds itself may be configured so: for all others this protects from a
    mistake.
    """
    senders = {
        (statement.place, target_of(resource))
        for statement in identity_statements(stack)
        if "sqs:SendMessage" in statement.actions
        for resource in statement.resources
    }
    feeding = {
        target_of(mapping["FunctionName"]): target_of(mapping["EventSourceArn"])
        for _, mapping in stack.properties(MAPPING)
    }
    for name, function in stack.properties(FUNCTION):
        meant = function.get("RecursiveLoop") == "Allow"
        feeds_itself = (target_of(function["Role"]), feeding.get(name)) in senders
        if feeds_itself and not meant:
            yield f"{name} is stopped by Lambda after sixteen rounds"
        if meant and not feeds_itself:
            yield f"{name} allows recursion without feeding itself"


def files_with_personal_data_expire(stack: Stack) -> Iterator[str]:
    """Imported and exported files contain personal data and must expire."""
    for name, bucket in stack.properties("AWS::S3::Bucket"):
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        gone = {
            tag["Value"]
            for rule in rules
            if rule["Status"] == "Enabled"
            and "ExpirationInDays" in rule
            and "NoncurrentVersionExpiration" in rule
            for tag in rule.get("TagFilters", [])
            if tag["Key"] == "milepost"
        }
        for kind in sorted({"imported", "exported"} - gone):
            yield f"{name} never expires what was {kind}"


def workflows_call_two_functions(stack: Stack) -> Iterator[str]:
    """A workflow can only invoke run_steps and await_event."""
    granted = [s for s in identity_statements(stack) if s.place == "MachineRole"]
    actions = [action for statement in granted for action in statement.actions]
    reached = {target_of(each) for statement in granted for each in statement.resources}
    if actions != ["lambda:InvokeFunction"] or reached != {
        "RunStepsFunction",
        "AwaitEventFunction",
    }:
        yield f"MachineRole may {actions} on {sorted(reached)}"


def every_service_is_limited_to_our_sources(stack: Stack) -> Iterator[str]:
    """A service may write to a queue, a topic or a function only for one of our resources."""
    for statement in resource_statements(stack):
        if statement.allows and "aws:sourcearn" not in statement.sources:
            yield f"{statement.place} allows a service for any source"
    for name, permission in stack.properties("AWS::Lambda::Permission"):
        if "SourceArn" not in permission:
            yield f"{name} allows a service for any source"


def every_failure_is_kept(stack: Stack) -> Iterator[str]:
    """Asynchronous input that fails must be kept: no caller waits for its answer."""
    for name, mapping in stack.properties(MAPPING):
        source = target_of(mapping["EventSourceArn"])
        if source in stack.of_type(QUEUE):
            if "RedrivePolicy" not in stack.of_type(QUEUE)[source]["Properties"]:
                yield f"{source}, which feeds {name}, has no dead-letter queue"
            continue
        if not mapping.get("DestinationConfig", {}).get("OnFailure"):
            yield f"{name} has no failure destination"
        if mapping.get("MaximumRetryAttempts", -1) < 0:
            yield f"{name} retries forever"
    for name, subscription in stack.properties("AWS::SNS::Subscription"):
        if "RedrivePolicy" not in subscription:
            yield f"{name} has no dead-letter queue"
    for name, target in _asynchronous_targets(stack):
        if "DeadLetterConfig" not in target:
            yield f"{name} has no dead-letter queue for what it cannot deliver"
        reached = target_of(target["Arn"])
        if reached not in _functions_with_a_failure_destination(stack) | _sources(stack):
            yield f"{name} reaches {reached}, whose failures are not kept"


def _asynchronous_targets(stack: Stack) -> Iterator[tuple[str, Json]]:
    for name, rule in stack.properties("AWS::Events::Rule"):
        for target in rule["Targets"]:
            yield name, target
    for name, schedule in stack.properties("AWS::Scheduler::Schedule"):
        yield name, schedule["Target"]


def _sources(stack: Stack) -> set[str]:
    """The queues and streams that feed a function; their failures are checked above."""
    return {target_of(mapping["EventSourceArn"]) for _, mapping in stack.properties(MAPPING)}


def _functions_with_a_failure_destination(stack: Stack) -> set[str]:
    return {
        target_of(config["FunctionName"])
        for _, config in stack.properties("AWS::Lambda::EventInvokeConfig")
        if config.get("DestinationConfig", {}).get("OnFailure")
    }


def every_dead_letter_raises_an_alarm(stack: Stack) -> Iterator[str]:
    """Every dead-letter queue needs an alarm, otherwise its messages stay unnoticed."""
    watched = {
        target_of(dimension["Value"])
        for _, alarm in stack.properties("AWS::CloudWatch::Alarm")
        for dimension in alarm["Dimensions"]
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible" and alarm["Threshold"] == 0
    }
    for name in stack.of_type(QUEUE).keys() - _sources(stack) - watched:
        yield f"no alarm watches {name}"


def the_stream_has_an_alarm(stack: Stack) -> Iterator[str]:
    """A blocked stream loses its records after 24 hours."""
    ages = [
        a for _, a in stack.properties("AWS::CloudWatch::Alarm") if a["MetricName"] == "IteratorAge"
    ]
    if [target_of(alarm["Dimensions"][0]["Value"]) for alarm in ages] != ["ReactFunction"]:
        yield "no alarm watches the age of the stream"


def a_count_that_is_wrong_raises_an_alarm(stack: Stack) -> Iterator[str]:
    """Every difference that the nightly count finds is a bug, however small."""
    dimensions = [{"Name": "service", "Value": "milepost"}]  # Powertools adds it to every metric
    for _, alarm in stack.properties("AWS::CloudWatch::Alarm"):
        named = alarm["Namespace"], alarm["MetricName"], alarm["Threshold"], alarm["Dimensions"]
        if named == ("Milepost", "CountsUnbalanced", 0, dimensions) and alarm["Statistic"] == "Sum":
            return
    yield "no alarm watches decisions missing from the ledger"


def queues_wait_for_their_function(stack: Stack) -> Iterator[str]:
    """AWS recommends a visibility time-out of six times the function's; a shorter one runs work
    twice."""
    for name, mapping in stack.properties(MAPPING):
        queue = stack.of_type(QUEUE).get(target_of(mapping["EventSourceArn"]))
        timeout = stack.of_type(FUNCTION)[target_of(mapping["FunctionName"])]["Properties"][
            "Timeout"
        ]
        if queue and queue["Properties"]["VisibilityTimeout"] < 6 * timeout:
            yield f"{name} delivers a message again before its function times out"


def tables_and_bucket_outlive_the_stack(stack: Stack) -> Iterator[str]:
    """Tables and the bucket outlive the stack, and earlier states can be restored."""
    for name, each in (stack.of_type(TABLE) | stack.of_type("AWS::S3::Bucket")).items():
        if each.get("DeletionPolicy") != "Retain" or each.get("UpdateReplacePolicy") != "Retain":
            yield f"{name} is deleted with the stack"
    for name, table in stack.properties(TABLE):
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name} has no point-in-time recovery"
        if not table.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name} is not encrypted with a key of the account"
    for name, bucket in stack.properties("AWS::S3::Bucket"):
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield f"{name} keeps no old versions"


def the_bucket_is_private(stack: Stack) -> Iterator[str]:
    """Templates are private and travel encrypted."""
    refused = {
        target_of(p["Bucket"]) for _, p in stack.properties("AWS::S3::BucketPolicy") if _tls(p)
    }
    for name, bucket in stack.properties("AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if len(block) != 4 or not all(block.values()):
            yield f"{name} can be opened to the public"
        if name not in refused:
            yield f"{name} allows unencrypted connections"


def _tls(policy: Json) -> bool:
    statements = (Statement("", body) for body in listed(policy["PolicyDocument"]["Statement"]))
    return any(not s.allows and "aws:securetransport" in s.sources for s in statements)


def feedback_is_signed_with_sha256(stack: Stack) -> Iterator[str]:
    """SNS signs with SHA-1 by default."""
    for name, topic in stack.properties("AWS::SNS::Topic"):
        if topic.get("SignatureVersion") != "2":
            yield f"{name} signs with SHA-1"


def access_logs_hold_no_path(stack: Stack) -> Iterator[str]:
    """The token of an unsubscribe link is in the path."""
    for name, stage in stack.properties("AWS::ApiGatewayV2::Stage"):
        logged = set(
            re.findall(r"\$[\w.]+", stage.get("AccessLogSettings", {}).get("Format", "$none"))
        )
        for field in sorted(logged - LOGGABLE):
            yield f"{name} logs {field}"


def the_api_is_throttled(stack: Stack) -> Iterator[str]:
    """A flood must stop at the API, before the table."""
    for name, stage in stack.properties("AWS::ApiGatewayV2::Stage"):
        limits = stage.get("DefaultRouteSettings", {})
        if limits.keys() < {"ThrottlingRateLimit", "ThrottlingBurstLimit"}:
            yield f"{name} is not throttled"


def logs_expire(stack: Stack) -> Iterator[str]:
    """Log groups that Lambda creates on its own never expire."""
    for name, group in stack.properties("AWS::Logs::LogGroup"):
        if "RetentionInDays" not in group:
            yield f"{name} never expires"
    for name, function in stack.properties(FUNCTION):
        if target_of(function.get("LoggingConfig", {}).get("LogGroup")) != "FunctionLogs":
            yield f"{name} writes to a log group that is not in the template"


def two_stacks_fit_in_one_account(stack: Stack) -> Iterator[str]:
    """An explicit name contains the stack's name; SAM's own name for a schedule does not."""
    kinds = {resource["Type"] for resource in stack.translated["Resources"].values()}
    for kind in kinds - NAMED_INSIDE_ANOTHER:
        for name, properties in stack.properties(kind):
            if kind == FUNCTION and "FunctionName" in properties:
                yield f"{name} has a name of its own, so it cannot be replaced"
            for key in {"Name", "LayerName", kind.rpartition("::")[2] + "Name"} & properties.keys():
                if "AWS::StackName" not in str(properties[key]):
                    yield f"{name} has the same {key} in every stack"


def everything_is_described(stack: Stack) -> Iterator[str]:
    """The readers of parameters and outputs did not write them."""
    for section in ("Parameters", "Outputs"):
        for name, each in stack.source[section].items():
            if len(each.get("Description", "")) < 20:
                yield f"{name} has no description"


def parameters_are_validated(stack: Stack) -> Iterator[str]:
    """A typing error in a parameter is found before the deploy."""
    for name, each in stack.source["Parameters"].items():
        guard = {
            "String": {"AllowedPattern", "AllowedValues"},
            "Number": {"MinValue", "AllowedValues"},
        }
        if not guard[each["Type"]] & each.keys():
            yield f"{name} accepts any value"


def no_function_is_traced(stack: Stack) -> Iterator[str]:
    """X-Ray's library adds a third of a second to every cold start, and its traces would be
    incomplete."""
    for name, function in stack.properties(FUNCTION):
        if "TracingConfig" in function:
            yield f"{name} is traced"
