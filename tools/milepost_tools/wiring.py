from datetime import timedelta
from typing import TYPE_CHECKING

from milepost.wiring import core, sending
from milepost.wiring.clock import Clock, parse_clock
from milepost.wiring.environment import read_clock

if TYPE_CHECKING:
    from milepost.sending.run_counter import RunCounter
    from milepost_tools.doctor.doctor import Doctor
    from milepost_tools.operations.redrive import Redriver
    from milepost_tools.operations.resume import Resumer
    from milepost_tools.operations.test_send import SendTest


def redriver(stack: str) -> "Redriver":
    """The redriver of a stack, for the command line.

    Raises LookupError if the stack does not exist here, ThrottledError if AWS cannot be reached.
    """
    from milepost.contacts.dynamodb.contacts import DynamoContacts
    from milepost_tools.aws.cloudformation import outputs
    from milepost_tools.operations.dead_letter_queue import SqsDeadLetterQueue
    from milepost_tools.operations.redrive import Redriver

    found = outputs(core.client("cloudformation"), stack)
    table = core.table(found["ContactsTableName"])
    queue = SqsDeadLetterQueue(
        table, core.client("sqs"), found["ReactDeadLettersUrl"], core.client("dynamodbstreams")
    )
    return Redriver(DynamoContacts(table, timedelta()), queue)


def test_sender(stack: str) -> "SendTest":
    """The sender of test e-mails of a stack, for the command line.

    Raises LookupError if the stack does not exist here, ThrottledError if AWS cannot be reached.
    """
    from botocore.exceptions import BotoCoreError

    from milepost.base.errors import ThrottledError
    from milepost_tools.aws.cloudformation import outputs, parameters
    from milepost_tools.operations.aws import SesIdentities
    from milepost_tools.operations.test_send import SendTest

    try:
        formation, ses = core.client("cloudformation"), core.client("sesv2")
    except BotoCoreError as error:  # for example no Region
        raise ThrottledError(f"AWS: {error}") from error
    address = parameters(formation, stack)["SenderAddress"]
    mailer = sending._mailer(address, outputs(formation, stack)["ConfigurationSetName"])
    return SendTest(mailer, SesIdentities(ses))


def doctor(stack: str) -> "Doctor":
    """The doctor of a stack, for the command line."""
    import time

    from dns.resolver import Resolver

    from milepost.sending.dynamodb.probes import DynamoProbes
    from milepost_tools.doctor.aws import AwsStackInspector
    from milepost_tools.doctor.doctor import Doctor
    from milepost_tools.doctor.resolver import DnsRecords
    from milepost_tools.operations.test_send import ProbeSender

    return Doctor(
        name=stack,
        inspector=AwsStackInspector(core.client, stack),
        records=DnsRecords(Resolver()),
        probes=lambda found: ProbeSender(
            sending._mailer(
                found.parameters["SenderAddress"], found.outputs["ConfigurationSetName"]
            ),
            DynamoProbes(core.table(found.outputs["ContactsTableName"])),
        ),
        now=Clock().wire_now,
        sleep=time.sleep,
    )


def resumer(stack: str) -> "Resumer":
    """The resumer of a stack's stores, for the command line.

    Raises LookupError if the stack does not exist here, ThrottledError if AWS cannot be reached.
    """
    from milepost.publishing.dynamodb import DynamoPublishedWriter
    from milepost.sending.dynamodb.reputation import DynamoMarketingStops
    from milepost_tools.aws.cloudformation import outputs
    from milepost_tools.operations.resume import Resumer

    table = core.table(outputs(core.client("cloudformation"), stack)["WorkflowsTableName"])
    now = parse_clock(read_clock()).now
    return Resumer(DynamoPublishedWriter(table), DynamoMarketingStops(table, now), now)


def run_counter(stack: str) -> "RunCounter":
    """The counter of a stack's workflows, for the command line.

    Raises LookupError if the stack does not exist here, ThrottledError if AWS cannot be reached.
    """
    from milepost.published.dynamodb import DynamoPublished
    from milepost.sending.dynamodb.counts import DynamoRuns
    from milepost.sending.run_counter import RunCounter
    from milepost_tools.aws.cloudformation import outputs

    found = outputs(core.client("cloudformation"), stack)
    runs = DynamoRuns(core.table(found["ContactsTableName"]))
    registry = DynamoPublished(core.table(found["WorkflowsTableName"]), Clock().wire_now)
    return RunCounter(runs, registry)


def caller_identity() -> str:
    """The identity of the credentials, as AWS names it."""
    from milepost_tools.aws.cloudformation import caller

    return caller(core.client("sts"))
