"""The composition root: the one module that knows every adapter. Lazy, built once per process."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from milepost.clock import Clock, parse_clock
from milepost.settings import Settings, read_clock, read_settings

if TYPE_CHECKING:
    from milepost.adapters.dynamodb.contacts import DynamoContacts
    from milepost.adapters.dynamodb.enrollments import DynamoEnrollments
    from milepost.adapters.dynamodb.ledger import DynamoLedger
    from milepost.adapters.dynamodb.limits import DynamoLimits
    from milepost.adapters.dynamodb.lives import DynamoLives
    from milepost.adapters.dynamodb.looks import DynamoProgress
    from milepost.adapters.dynamodb.members import DynamoMembers
    from milepost.adapters.dynamodb.merging import DynamoMerging
    from milepost.adapters.dynamodb.privacy import DynamoRequests
    from milepost.adapters.dynamodb.probes import DynamoProbes
    from milepost.adapters.dynamodb.registry import DynamoRegistry
    from milepost.adapters.dynamodb.table import Table
    from milepost.adapters.dynamodb.timeline import DynamoTimeline
    from milepost.adapters.dynamodb.timers import DynamoTimers
    from milepost.adapters.letters import DynamoLetters
    from milepost.adapters.outbound import HttpsOutbound
    from milepost.adapters.s3_vault import S3Vault
    from milepost.adapters.ses import SesMailer
    from milepost.adapters.ses_quota import SesQuotas
    from milepost.adapters.sns import SnsAlerts
    from milepost.adapters.sqs import SqsLater
    from milepost.adapters.ssm import SsmSecrets
    from milepost.adapters.stepfunctions import StepFunctionsEngine
    from milepost.domain.settings import StoreSettings
    from milepost.services.act import Actor
    from milepost.services.broadcast import Broadcaster
    from milepost.services.browse import Browsing
    from milepost.services.census import Census
    from milepost.services.crowd import Crowd
    from milepost.services.doctor import Doctor
    from milepost.services.export import Exporter
    from milepost.services.facts import FactFinder
    from milepost.services.forms import Confirmer, SignUps
    from milepost.services.imports.importer import Importer
    from milepost.services.learn import Learner
    from milepost.services.legs import Legs
    from milepost.services.lookouts import Lookouts
    from milepost.services.looks import Looker, LookWorks
    from milepost.services.pace import Pace
    from milepost.services.people.asking import Desk
    from milepost.services.people.changing import Changer
    from milepost.services.people.privacy import Clerk
    from milepost.services.people.reading import Reader
    from milepost.services.poison import Isolator
    from milepost.services.preferences import PreferenceDesk
    from milepost.services.publish import Publisher
    from milepost.services.react import Reactor
    from milepost.services.redrive import Redriver
    from milepost.services.reputation import Reputation
    from milepost.services.resume import Resumer
    from milepost.services.run import Runner
    from milepost.services.segments import Segmenter
    from milepost.services.send import Sender
    from milepost.services.trying import TrialPost
    from milepost.services.unsubscribe import Unsubscriber
    from milepost.services.view import Viewer


@cache
def settings() -> Settings:
    return read_settings()


@cache
def clock() -> Clock:
    return parse_clock(settings().clock)


@cache
def client(service: Any) -> Any:
    """A client of an AWS service; SES alone gets one attempt (see `adapters/ses.py`)."""
    import boto3
    from botocore.config import Config

    if service == "sesv2":
        from milepost.adapters.ses import ONE_ATTEMPT

        return boto3.client(service, config=ONE_ATTEMPT)
    if service == "lambda":
        # The one call is of a function that sends: it takes its time, and must not be repeated.
        patient = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=65)
        return boto3.client(service, config=patient)
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            parameter_validation=False,  # a tenth of a call's CPU; the contract tests check shapes
            connect_timeout=2,
            read_timeout=10,
            max_pool_connections=20,
        ),
    )


def _table(name: str) -> "Table":
    from milepost.adapters.dynamodb.table import Table

    return Table(client("dynamodb"), name)


@cache
def timeline() -> "DynamoTimeline":
    from milepost.adapters.dynamodb.timeline import DynamoTimeline

    return DynamoTimeline(_table(settings().contacts_table), settings().retention)


@cache
def contacts() -> "DynamoContacts":
    from milepost.adapters.dynamodb.contacts import DynamoContacts

    table = _table(settings().contacts_table)
    return DynamoContacts(table, settings().retention, clock().to_wire)


@cache
def members() -> "DynamoMembers":
    from milepost.adapters.dynamodb.members import DynamoMembers

    return DynamoMembers(_table(settings().contacts_table))


@cache
def merging() -> "DynamoMerging":
    from milepost.adapters.dynamodb.merging import DynamoMerging

    table = _table(settings().contacts_table)
    return DynamoMerging(table, settings().retention, clock().to_wire)


@cache
def enrollments() -> "DynamoEnrollments":
    from milepost.adapters.dynamodb.enrollments import DynamoEnrollments

    table = _table(settings().contacts_table)
    return DynamoEnrollments(table, settings().retention, clock().to_wire)


@cache
def ledger() -> "DynamoLedger":
    from milepost.adapters.dynamodb.ledger import DynamoLedger

    return DynamoLedger(_table(settings().contacts_table), clock().to_wire)


def fresh_for() -> timedelta:
    """For how long functions believe what they have read of a store, in real time."""
    return timedelta(seconds=float(settings().cache_seconds))


@cache
def registry() -> "DynamoRegistry":
    from milepost.adapters.dynamodb.registry import DynamoRegistry

    return DynamoRegistry(_table(settings().workflows_table), clock().wire_now, fresh_for())


@cache
def secrets() -> "SsmSecrets":
    from milepost.adapters.ssm import SsmSecrets

    return SsmSecrets(client("ssm"), settings().stack, clock().wire_now)


@cache
def engine() -> "StepFunctionsEngine":
    from milepost.adapters.stepfunctions import StepFunctionsEngine

    return StepFunctionsEngine(client("stepfunctions"), settings().machine_arn_prefix)


@cache
def facts() -> "FactFinder":
    from milepost.services.facts import FactFinder

    return FactFinder(timeline(), ledger())


@cache
def reactor() -> "Reactor":
    from milepost.services.react import Reactor

    settings().need("machine_arn_prefix")
    return Reactor(contacts(), enrollments(), registry(), engine(), facts(), merging(), segmenter())


@cache
def segmenter() -> "Segmenter":
    from milepost.services.segments import Segmenter

    return Segmenter(timeline(), registry(), members())


@cache
def isolator() -> "Isolator":
    from milepost.services.poison import Isolator

    return Isolator(contacts(), _letters)


@cache
def _letters() -> "DynamoLetters":
    from milepost.adapters.letters import DynamoLetters

    settings().need("dead_letters")
    return DynamoLetters(_table(settings().contacts_table), client("sqs"), settings().dead_letters)


def redriver(stack: str) -> "Redriver":
    """Empties the dead letters of a stack, from anywhere: for the command line.

    Raises LookupError if there is no such stack here, Busy if AWS cannot be asked.
    """
    from milepost.adapters.cloudformation import outputs
    from milepost.adapters.dynamodb.contacts import DynamoContacts
    from milepost.adapters.letters import SqsBox
    from milepost.services.redrive import Redriver

    found = outputs(client("cloudformation"), stack)
    table = _table(found["ContactsTableName"])
    box = SqsBox(table, client("sqs"), found["ReactDeadLettersUrl"], client("dynamodbstreams"))
    return Redriver(DynamoContacts(table, timedelta()), box)


def _mailer(address: str, configuration_set: str) -> "SesMailer":
    from milepost.adapters.ses import SesMailer

    return SesMailer(client("sesv2"), address, configuration_set)


def trial_post(stack: str) -> "TrialPost":
    """Sends tests with the sender of a stack, from anywhere: for the command line.

    Raises LookupError if there is no such stack here, Busy if AWS cannot be asked.
    """
    from botocore.exceptions import BotoCoreError

    from milepost.adapters.cloudformation import outputs, parameters
    from milepost.adapters.identities import SesIdentities
    from milepost.ports.errors import Busy
    from milepost.services.trying import TrialPost

    try:
        formation, ses = client("cloudformation"), client("sesv2")
    except BotoCoreError as error:  # no Region, say
        raise Busy(f"AWS: {error}") from error
    address = parameters(formation, stack)["SenderAddress"]
    mailer = _mailer(address, outputs(formation, stack)["ConfigurationSetName"])
    return TrialPost(mailer, SesIdentities(ses))


def doctor(stack: str) -> "Doctor":
    """Examines a stack, from anywhere: for the command line."""
    import time

    from dns.resolver import Resolver

    from milepost.adapters.dns_records import DnsRecords
    from milepost.adapters.dynamodb.probes import DynamoProbes
    from milepost.adapters.premises import AwsPremises
    from milepost.services.doctor import Doctor
    from milepost.services.trying import ProbePost

    return Doctor(
        name=stack,
        premises=AwsPremises(client, stack),
        records=DnsRecords(Resolver()),
        probes=lambda found: ProbePost(
            _mailer(found.parameters["SenderAddress"], found.outputs["ConfigurationSetName"]),
            DynamoProbes(_table(found.outputs["ContactsTableName"])),
        ),
        now=Clock().wire_now,
        sleep=time.sleep,
    )


@cache
def probes() -> "DynamoProbes":
    from milepost.adapters.dynamodb.probes import DynamoProbes

    return DynamoProbes(_table(settings().contacts_table))


@cache
def sender() -> "Sender":
    from milepost.adapters.s3_attachments import S3Attachments
    from milepost.services.send import Sender

    settings().need("sender", "configuration_set", "public_url", "bucket")
    return Sender(
        registry=registry(),
        ledger=ledger(),
        mailer=_mailer(settings().sender, settings().configuration_set),
        secrets=secrets(),
        facts=facts(),
        attachments=S3Attachments(lambda: client("s3"), settings().bucket),
        public_url=settings().public_url.rstrip("/"),
        now=clock().now,
        pace=pace(),
    )


@cache
def pace() -> "Pace":
    from time import sleep

    from milepost.adapters.dynamodb.tokens import DynamoTokens
    from milepost.services.pace import Pace

    tokens = DynamoTokens(_table(settings().workflows_table))
    return Pace(tokens, _quotas, clock().wire_now, sleep)


def _quotas() -> "SesQuotas":
    from milepost.adapters.ses_quota import SesQuotas

    return SesQuotas(client("sesv2"))


@cache
def actor() -> "Actor":
    from milepost.services.act import Actor

    return Actor(timeline(), outbound, alerts, secrets(), clock().wire_now)


@cache
def outbound() -> "HttpsOutbound":
    from milepost.adapters.outbound import HttpsOutbound

    return HttpsOutbound()


@cache
def alerts() -> "SnsAlerts":
    from milepost.adapters.sns import SnsAlerts

    return SnsAlerts(client("sns"), settings().alarm_topic)


@cache
def runner() -> "Runner":
    from milepost.services.run import Runner
    from milepost.services.steps import Steps

    steps = Steps(enrollments(), sender(), actor(), facts())
    settings().need("machine_arn_prefix")
    return Runner(enrollments(), registry(), sender(), steps, clock().now, engine)


@cache
def legs() -> "Legs":
    from milepost.services.legs import Legs

    settings().need("machine_arn_prefix")
    return Legs(enrollments(), registry(), engine(), clock().now)


@cache
def lookouts() -> "Lookouts":
    from milepost.services.lookouts import UNSEEN, Lookouts

    unseen = UNSEEN * clock().speed
    return Lookouts(contacts(), timeline(), registry(), clock().now, unseen)


@cache
def broadcaster() -> "Broadcaster":
    from milepost.adapters.dynamodb.works import DynamoWorks
    from milepost.adapters.s3 import S3Files
    from milepost.services.broadcast import GRACE, Broadcaster

    settings().need("bucket")
    return Broadcaster(
        members=members(),
        timeline=timeline(),
        registry=registry(),
        works=DynamoWorks(_table(settings().workflows_table)),
        files=S3Files(client("s3"), settings().bucket),
        now=clock().now,
        most=60 * int(settings().broadcast_rate),
        grace=GRACE * clock().speed,
    )


@cache
def crowd() -> "Crowd":
    from milepost.adapters.dynamodb.works import DynamoWorks
    from milepost.services.crowd import GRACE, PATIENCE, Crowd

    works = DynamoWorks(_table(settings().workflows_table))
    grace, patience = GRACE * clock().speed, PATIENCE * clock().speed
    parts = enrollments(), registry(), engine(), timers(), works, ledger(), clock().now, grace
    return Crowd(*parts, patience, timeline=timeline())


@cache
def progress() -> "DynamoProgress":
    from milepost.adapters.dynamodb.looks import DynamoProgress

    return DynamoProgress(_table(settings().workflows_table))


@cache
def look_works() -> "LookWorks":
    from milepost.adapters.dynamodb.works import DynamoWorks
    from milepost.adapters.stepfunctions import StepFunctionsLooks
    from milepost.services.looks import LookWorks

    settings().need("look_machine_arn")
    return LookWorks(
        DynamoWorks(_table(settings().workflows_table)),
        registry(),
        members(),
        progress(),
        StepFunctionsLooks(client("stepfunctions"), settings().look_machine_arn),
        clock().now,
        2 * fresh_for() * clock().speed,
    )


@cache
def census() -> "Census":
    from milepost.services.census import Census

    return Census(contacts(), timeline(), registry(), members(), segmenter(), clock().now)


@cache
def looker() -> "Looker":
    from milepost.services.looks import Looker

    return Looker(
        contacts(), timeline(), registry(), members(), segmenter(), progress(), clock().now
    )


@cache
def learner() -> "Learner":
    from milepost.services.learn import Learner

    def settings_of(store: str) -> "StoreSettings":
        return registry().head(store).settings

    return Learner(contacts(), ledger(), timeline(), settings_of, reputation())


@cache
def reputation() -> "Reputation":
    from milepost.adapters.dynamodb.reputation import DynamoBreakers, DynamoTallies
    from milepost.services.reputation import Reputation

    table = _table(settings().workflows_table)
    tallies = DynamoTallies(table, _table(settings().contacts_table))
    tell = alerts if settings().alarm_topic else None
    breakers = DynamoBreakers(table, clock().wire_now, fresh_for())
    return Reputation(tallies, breakers, tell, clock().now)


def resumer(stack: str) -> "Resumer":
    """Lets marketing of a stack's stores go on, from anywhere: for the command line.

    Raises LookupError if there is no such stack here, Busy if AWS cannot be asked.
    """
    from milepost.adapters.cloudformation import outputs
    from milepost.adapters.dynamodb.publications import DynamoPublications
    from milepost.adapters.dynamodb.reputation import DynamoBreakers
    from milepost.services.resume import Resumer

    table = _table(outputs(client("cloudformation"), stack)["WorkflowsTableName"])
    now = parse_clock(read_clock()).now
    return Resumer(DynamoPublications(table), DynamoBreakers(table, now), now)


def whoever_calls() -> str:
    """Whose credentials these are, as AWS names them."""
    from milepost.adapters.cloudformation import caller

    return caller(client("sts"))


@cache
def unsubscriber() -> "Unsubscriber":
    from milepost.services.unsubscribe import Unsubscriber

    return Unsubscriber(contacts(), registry(), secrets())


@cache
def viewer() -> "Viewer":
    from milepost.services.view import Viewer

    return Viewer(ledger(), enrollments(), registry(), secrets())


@cache
def lives() -> "DynamoLives":
    from milepost.adapters.dynamodb.lives import DynamoLives

    return DynamoLives(_table(settings().contacts_table))


@cache
def reader() -> "Reader":
    from milepost.services.people.reading import Reader

    return Reader(contacts(), timeline(), lives())


@cache
def changer() -> "Changer":
    from milepost.services.people.changing import Changer

    return Changer(contacts(), timeline())


@cache
def requests() -> "DynamoRequests":
    from milepost.adapters.dynamodb.privacy import DynamoRequests

    return DynamoRequests(_table(settings().contacts_table))


@cache
def vault() -> "S3Vault":
    from milepost.adapters.s3_vault import S3Vault

    settings().need("bucket")
    return S3Vault(client("s3"), settings().bucket)


@cache
def later() -> "SqsLater":
    from milepost.adapters.sqs import SqsLater

    settings().need("privacy_queue")
    return SqsLater(client("sqs"), settings().privacy_queue)


@cache
def desk() -> "Desk":
    from milepost.services.people.asking import Desk

    return Desk(timeline(), requests(), later())


@cache
def clerk() -> "Clerk":
    from milepost.adapters.dynamodb.privacy import DynamoRemains
    from milepost.services.people.erasing import Eraser
    from milepost.services.people.exporting import Exporter
    from milepost.services.people.privacy import Clerk

    settings().need("machine_arn_prefix")
    remains = DynamoRemains(_table(settings().contacts_table), settings().retention)
    eraser = Eraser(
        contacts=contacts(),
        engine=engine(),
        remains=remains,
        requests=requests(),
        vault=vault(),
        later=later(),
        now=clock().now,
        wire_now=clock().wire_now,
    )
    exporter = Exporter(contacts(), lives(), remains, requests(), vault(), clock().now)
    return Clerk(requests(), eraser, exporter, alerts() if settings().alarm_topic else None)


@cache
def limits() -> "DynamoLimits":
    from milepost.adapters.dynamodb.limits import DynamoLimits

    return DynamoLimits(_table(settings().contacts_table))


@cache
def browsing() -> "Browsing":
    from milepost.services.browse import Browsing

    return Browsing(timeline(), registry(), secrets(), limits())


@cache
def sign_ups() -> "SignUps":
    from milepost.services.forms import SignUps

    return SignUps(timeline(), registry(), secrets(), limits())


@cache
def confirmer() -> "Confirmer":
    from milepost.services.forms import Confirmer

    return Confirmer(timeline(), contacts(), registry(), secrets())


@cache
def preference_desk() -> "PreferenceDesk":
    from milepost.services.preferences import PreferenceDesk

    return PreferenceDesk(contacts(), timeline(), enrollments(), registry(), secrets())


@cache
def timers() -> "DynamoTimers":
    from milepost.adapters.dynamodb.timers import DynamoTimers

    return DynamoTimers(_table(settings().contacts_table))


@cache
def publisher() -> "Publisher":
    from decimal import Decimal

    from milepost.adapters.dynamodb.publications import DynamoPublications
    from milepost.adapters.s3 import S3Files
    from milepost.adapters.stepfunctions import StepFunctionsMachines
    from milepost.domain.compiler.machine import Wiring
    from milepost.domain.compiler.ways import Prices
    from milepost.services.publish import Publisher
    from milepost.services.publishing.workflows import Workflows
    from milepost.simulation.trials import prove

    need = ("bucket", "machine_arn_prefix", "machine_role_arn", "run_steps_arn", "await_event_arn")
    settings().need(*need)
    files = S3Files(client("s3"), settings().bucket)
    publications = DynamoPublications(_table(settings().workflows_table))
    workflows = Workflows(
        files=files,
        publications=publications,
        machines=StepFunctionsMachines(
            client("stepfunctions"), settings().machine_arn_prefix, settings().machine_role_arn
        ),
        wiring=Wiring(
            settings().run_steps_arn,
            settings().await_event_arn,
            clock().wire_seconds,
            settings().park_after,
        ),
        name_room=80 - len(settings().machine_arn_prefix.rpartition(":")[2]),
        prices=Prices(Decimal(settings().transition_price), Decimal(settings().mail_price)),
        alerts=bool(settings().alarm_topic),
        trials=prove,
    )
    return Publisher(
        files=files,
        publications=publications,
        workflows=workflows,
        now=clock().now,
        estimate=census().estimate,
        sender_domain=settings().sender_domain,
    )


@cache
def importer() -> "Importer":
    import time

    from milepost.adapters.dynamodb.people import DynamoPeople
    from milepost.adapters.dynamodb.transfers import DynamoImports
    from milepost.adapters.s3 import S3Files
    from milepost.adapters.s3_uploads import S3Uploads
    from milepost.adapters.sqs import SqsRequeue
    from milepost.services.imports.importer import Importer
    from milepost.services.imports.intake import Intake
    from milepost.services.imports.walk import Walker

    settings().need("bucket", "import_queue")
    uploads = S3Uploads(client("s3"), settings().bucket)
    imports = DynamoImports(_table(settings().workflows_table))
    files = S3Files(client("s3"), settings().bucket)
    people = _table(settings().contacts_table)
    return Importer(
        intake=Intake(uploads, imports, clock().now, clock().wire_now),
        walker=Walker(
            uploads=uploads,
            imports=imports,
            reports=files,
            now=clock().now,
            wire_now=clock().wire_now,
            seconds=time.monotonic,
            sleep=time.sleep,
        ),
        people=DynamoPeople(people, settings().retention, clock().wire_now),
        registry=registry(),
        requeue=SqsRequeue(client("sqs"), settings().import_queue),
    )


@cache
def exporter() -> "Exporter":
    import time

    from milepost.adapters.dynamodb.everything import DynamoEverything
    from milepost.adapters.dynamodb.transfers import DynamoExports
    from milepost.adapters.s3 import S3Files
    from milepost.adapters.s3_uploads import S3Uploads
    from milepost.adapters.sqs import SqsRequeue
    from milepost.services.export import Exporter

    settings().need("bucket", "export_queue")
    uploads = S3Uploads(client("s3"), settings().bucket)
    return Exporter(
        everything=DynamoEverything(_table(settings().contacts_table), clock().wire_now),
        exports=DynamoExports(_table(settings().workflows_table)),
        uploads=uploads,
        shelves=uploads,
        reports=S3Files(client("s3"), settings().bucket),
        requeue=SqsRequeue(client("sqs"), settings().export_queue),
        now=clock().now,
        wire_now=clock().wire_now,
        seconds=time.monotonic,
    )
