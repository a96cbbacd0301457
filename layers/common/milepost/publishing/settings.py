"""Publishes a store's `settings.json`."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.pauses import with_pause_state
from milepost.publishing.report import PublishResult, rejected
from milepost.publishing.settings_file import SettingsFile
from milepost.publishing.usage import (
    answers_opt_in,
    double_opt_in,
    double_opt_in_form,
    live_programs,
    senders,
    topics,
)
from milepost.runtime.jobs import Job
from milepost.stores.settings import StoreSettings
from milepost.workflows.language.workflow import Workflow

if TYPE_CHECKING:
    from milepost.publishing.ports import PublishedWriter
    from milepost.stores.files import StoreFiles


def publish_settings(
    publications: "PublishedWriter",
    files: "StoreFiles",
    store: str,
    text: str | None,
    now: datetime,
    sender_domain: str | None = None,
) -> PublishResult:
    """Apply the settings. The live settings stay if the file has a mistake or is gone.

    `sender_domain` is the domain in which senders can have addresses of their own. It is empty if
    there is none, and None if it is unknown.
    """
    if text is None:
        return PublishResult("kept", note="the file is gone, its last settings stay")
    settings = parse_file(text, SettingsFile)
    if isinstance(settings, list):
        return rejected(settings)
    document = settings.document()
    found = [
        *_in_use(publications, store, settings),
        *(() if sender_domain is None else _outside_domain(settings, sender_domain)),
        *_without_confirmation_workflow(
            publications, files, store, StoreSettings.from_json(document)
        ),
    ]
    if found:
        return rejected(found)
    head = publications.head(store)
    pauses = with_pause_state(head.pauses, settings.paused, now)
    if pauses != head.pauses and not settings.paused:
        for name in head.workflows:
            publications.enqueue(Job("resume", store, name, now))
    publications.apply_settings(store, document, pauses)
    return PublishResult("published")


def _in_use(
    publications: "PublishedWriter", store: str, settings: SettingsFile
) -> Iterator[Problem]:
    """Report topics, senders and forms that are missing from the file but still in use.

    Without its topic, a workflow would silently stop sending.
    """
    for program in live_programs(publications, store, publications.head(store)):
        for topic in sorted(topics(program) - {*settings.topics}):
            reason = f'"{topic}" is used by {program.workflow}'
            yield Problem("topics", reason, "change or delete that first")
        for sender in sorted(senders(program) - {*settings.senders}):
            reason = f'"{sender}" sends mail of {program.workflow}'
            yield Problem("senders", reason, "change or delete that first")
        form = double_opt_in_form(program)
        if form and form not in settings.forms:
            reason = f'"{form}" lets people into {program.workflow}'
            yield Problem("forms", reason, "change or delete that first")
    for name, segment in sorted(publications.head(store).segments.items()):
        missing = {*segment.mention.topics} - {*settings.topics}
        for topic in sorted(missing) if segment.status == "live" else ():
            reason = f'"{topic}" is used by the segment {name}'
            yield Problem("topics", reason, "change or delete that first")


def _outside_domain(settings: SettingsFile, domain: str) -> Iterator[Problem]:
    """Report addresses outside the verified domain, from which SES would reject every e-mail."""
    for name, sender in settings.senders.items():
        path = f"senders.{name}.address"
        if sender.address is None:
            continue
        if not domain:
            remedy = "leave the address out, or deploy the stack with SenderPersonas=yes"
            yield Problem(path, "this stack sends from one address alone", remedy)
        elif sender.address.rpartition("@")[2] != domain:
            remedy = f"use an address of {domain}, or leave it out"
            yield Problem(path, f"{sender.address} is not of the domain that is verified", remedy)


def _without_confirmation_workflow(
    publications: "PublishedWriter", files: "StoreFiles", store: str, settings: StoreSettings
) -> Iterator[Problem]:
    """Report a double opt-in form without a workflow that sends the confirmation e-mail.

    The workflow can be published already, or be uploaded together with the settings.
    """
    forms = double_opt_in(settings)
    if not forms:
        return
    head = publications.head(store)
    for program in live_programs(publications, store, head):
        if answers_opt_in(program.options["trigger"], head.workflows[program.workflow].status):
            return
    for path in files.paths(store, "workflows"):
        workflow = parse_file(files.read(store, path) or "", Workflow)
        if isinstance(workflow, Workflow) and answers_opt_in(
            workflow.trigger.model_dump(), workflow.status
        ):
            return
    reason = "readers have to confirm, and no workflow sends them the mail for that"
    remedy = f'upload one that begins with the event "{OPT_IN}", such as workflows/opt-in.json'
    yield Problem(f"forms.{forms[0]}", reason, remedy)
