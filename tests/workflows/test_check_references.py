import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.enrollments.program import Program
from milepost.templates.compile import compile_template
from milepost.templates.references import steps_used
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.check_references import PublishContext, check_references
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import branch, send, workflow

Json = dict[str, Any]
MANUAL = {"type": "manual"}
HOOK = {"id": "crm", "type": "webhook", "url": "https://crm.example/hook"}


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def program(name: str, *steps: Json, **head: Any) -> Program:
    return build_program(name, 1, read(workflow(*steps, **head)))


def compiled(body: str) -> TemplateVersion:
    files = {"subject.txt": "Hello", "body.html": f"<html><body>{body}</body></html>"}
    made = compile_template("mail", files, {}, "en", ["en"])
    assert isinstance(made, TemplateVersion), made
    return made


PLAIN = compiled("<p>Hello</p><a href='{{ urls.unsubscribe }}'>no</a>{{ store.postal_address }}")
AROUND = PublishContext(
    topics={"offers": "Offers", "news": "News"},
    templates={"plain": "1", "short": "2"},
    programs={
        "welcome": program("welcome", send("hello")),
        "by-hand": program("by-hand", send("hello"), trigger=MANUAL),
    },
    files=frozenset({"welcome", "by-hand", "coming"}),
    template=lambda *_: PLAIN,
)


def found(*steps: Json, around: PublishContext = AROUND, **head: Any) -> list[str]:
    document = workflow(*(steps or (send("a"),)), **head)
    return [str(problem) for problem in check_references(read(document), around)]


def test_what_is_there_is_found() -> None:
    asked = {"all": [{"consents_to": "news"}, {"in_workflow": "welcome"}]}
    assert (
        found(
            send("a"), branch("b", asked, [send("c", "short", topic="news")]), HOOK,
            {"id": "s", "type": "start_workflow", "workflow": "by-hand"},
            {"id": "n", "type": "notify", "message": "Look"},
            topic="offers",
            trigger={"type": "email", "on": "opened", "workflow": "welcome", "step": "hello"},
        )
        == []
    )  # fmt: skip


def test_a_topic_that_nobody_can_subscribe_to_is_found_everywhere() -> None:
    asked = {"consents_to": "offer"}
    assert found(
        branch("b", asked, [send("c", topic="offer")]), topic="offer", audience=asked
    ) == [
        f'{place}: settings.json has no topic "offer" (did you mean "offers"?)'
        for place in (
            "topic", "audience.consents_to", "steps[0].paths[0].if.consents_to",
            "steps[0].paths[0].steps[0].topic",
        )
    ]  # fmt: skip


def test_marketing_needs_a_store_with_topics_and_a_receipt_does_not() -> None:
    around = AROUND._replace(topics={})
    assert found(send("a"), topic=None, around=around) == [
        "steps[0]: marketing mail needs a topic (name the topics readers subscribe to in "
        "settings.json)"
    ]
    assert found(send("a"), topic=None, around=around, category="transactional") == []


def test_a_sender_that_the_settings_do_not_know_is_found_with_the_nearest() -> None:
    around = AROUND._replace(senders=frozenset({"anna", "ben"}))
    variants = [{"name": "a", "template": "plain", "from": "bn"},
                {"name": "b", "template": "plain", "from": "contact.properties.owner"}]  # fmt: skip
    tested = {"id": "t", "type": "send_email", "variants": variants, "reply_to": "carl"}
    known = send("b", **{"from": "anna", "reply_to": "help@shop.example"})
    assert found(send("a", **{"from": "ana"}), known, tested, around=around) == [
        'steps[0].from: settings.json has no sender "ana" (did you mean "anna"?)',
        'steps[2].reply_to: settings.json has no sender "carl" (declare it under senders)',
        'steps[2].variants[0].from: settings.json has no sender "bn" (did you mean "ben"?)',
    ]


def test_every_template_and_variant_must_be_published() -> None:
    variants = [{"name": "a", "template": "plain"}, {"name": "b", "template": "shrt"}]
    tested = {"id": "t", "type": "send_email", "variants": variants}
    assert found(send("a", "zzz"), tested) == [
        'steps[0].template: no template named "zzz" is published (upload its folder to templates/)',
        'steps[1].variants[1].template: no template named "shrt" is published (did you mean '
        '"short"?)',
    ]


def test_a_marketing_template_without_a_way_out_is_refused_and_a_receipt_is_not() -> None:
    bare = AROUND._replace(template=lambda *_: compiled("<p>Hello</p>"))
    first, *_ = found(send("a"), around=bare)
    assert first.startswith("steps[0].template: ")
    assert "unsubscribe" in first
    assert found(send("a", category="transactional"), around=bare) == []


PIN = "0123456789abcdef"


def test_a_version_that_was_never_live_is_refused_with_where_to_find_one() -> None:
    live = "fedcba9876543210"
    around = AROUND._replace(
        templates={"plain": live}, template=lambda _, version: None if version else PLAIN
    )
    variants = [{"name": "a", "template": "plain", "template_version": live[:-1] + "f"},
                {"name": "b", "template": "plain"}]  # fmt: skip
    tested = {"id": "t", "type": "send_email", "variants": variants}
    assert found(send("a", template_version=PIN), tested, around=around) == [
        f'steps[0].template_version: plain has never been live in a version "{PIN}" ({live} is '
        "live; reports/templates.plain.report.md and each message tell the version)",
        "steps[1].variants[0].template_version: plain has never been live in a version "
        f'"{live[:-1]}f" (did you mean "{live}"?)',
    ]


def test_a_version_is_checked_as_the_live_one_is_and_whatever_stands_in_for_it_is_not() -> None:
    bare = compiled("<p>{{ steps.crn.status | default('') }}</p>")
    pinned = send("a", template_version=bare.hash)
    around = AROUND._replace(template=lambda _, version: bare if version else PLAIN)
    places = {problem.partition(":")[0] for problem in found(pinned, around=around)}
    assert places == {"steps[0].template_version"}
    assert any("unsubscribe" in problem for problem in found(pinned, around=around))
    assert any("steps.crn" in problem for problem in found(pinned, around=around))
    assert found(send("a", template_version=PIN), around=around) == []


@pytest.mark.parametrize("spoken", ["steps.crn.status", "steps['crn'].status"])
def test_a_template_speaks_only_of_steps_that_there_are(spoken: str) -> None:
    version = compiled(f"<p>{{{{ ({spoken}) | default('') }}}}</p>")
    assert steps_used(version) == {"crn"}
    around = AROUND._replace(template=lambda *_: version)
    assert found(HOOK, send("a"), around=around, category="transactional") == [
        'steps[1].template: plain speaks of steps.crn, and there is no step "crn" (did you mean '
        '"crm"?)'
    ]


def test_a_workflow_that_is_named_must_lie_there_or_be_published() -> None:
    start = {"id": "s", "type": "start_workflow", "workflow": "by-hnd"}
    asked = {"in_workflow": "nowhere"}
    assert found(start, branch("b", asked, [])) == [
        'steps[1].paths[0].if.in_workflow: no workflow named "nowhere" (upload its file)',
        'steps[0].workflow: no workflow named "by-hnd" (did you mean "by-hand"?)',
    ]
    assert found({**start, "workflow": "coming"}) == []


def test_only_a_manual_workflow_is_started_by_another() -> None:
    start = {"id": "s", "type": "start_workflow", "workflow": "welcome"}
    assert found(start) == [
        "steps[0].workflow: welcome begins with event, not by hand "
        '(give it {"trigger": {"type": "manual"}})'
    ]


def test_a_value_is_taken_only_from_a_step_that_there_is() -> None:
    tell = {
        "id": "t",
        "type": "emit_event",
        "event": "E",
        "properties": {"v": {"from": "steps.crn.status"}},
    }
    date = {"id": "d", "type": "delay_until", "date": "steps.crm2.body.day"}
    note = {"id": "n", "type": "notify", "message": "Tier {steps.cmr.body.tier}"}
    assert found(HOOK, tell, date, note) == [
        f'steps[{number}]: takes a value from steps.{named}, and there is no step "{named}" '
        '(did you mean "crm"?)'
        for number, named in ((1, "crn"), (2, "crm2"), (3, "cmr"))
    ]


def test_a_file_that_is_not_published_yet_is_asked_too() -> None:
    coming = read(workflow(send("hello")))
    around = AROUND._replace(beside=lambda name: coming if name == "coming" else None)
    start = {"id": "s", "type": "start_workflow", "workflow": "coming"}
    assert found(start, around=around)[0].startswith("steps[0].workflow: coming begins with event")
    trigger = {"type": "email", "on": "opened", "workflow": "coming", "step": "helo"}
    assert found(trigger=trigger, around=around) == [
        'trigger.step: coming has no step "helo" (did you mean "hello"?)'
    ]


def test_a_trigger_on_mail_names_a_workflow_and_one_of_its_steps() -> None:
    trigger = {"type": "email", "on": "clicked", "workflow": "welcome", "step": "helo"}
    assert found(trigger=trigger) == [
        'trigger.step: welcome has no step "helo" (did you mean "hello"?)'
    ]
    assert found(trigger={**trigger, "workflow": "welcom"})[0] == (
        'trigger.workflow: no workflow named "welcom" (did you mean "welcome"?)'
    )


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ({**HOOK, "url": "http://crm.example/hook"}, "steps[0].url: "),
        ({**HOOK, "url": "https://169.254.169.254/latest"}, "steps[0].url: "),
        ({**HOOK, "headers": {"Host": "bank.example"}}, "steps[0].headers.Host: "),
        (
            {"id": "n", "type": "notify", "to": "slack", "message": "x", "url": "https://10.0.0.1"},
            "steps[0].url: ",
        ),
    ],
)
def test_calls_that_would_never_be_made_are_refused_before(step: Json, place: str) -> None:
    (problem,) = found(step)
    assert problem.startswith(place)


def test_alerts_need_somebody_who_hears_them() -> None:
    notify = {"id": "n", "type": "notify", "message": "Look"}
    assert found(notify, around=AROUND._replace(alerts=False)) == [
        "steps[0]: nobody would hear it: the stack has no topic for alerts "
        "(deploy the stack with AlarmTopicArn)"
    ]


def test_a_version_belongs_to_a_template_and_is_written_as_reports_show_it() -> None:
    def wrong(**step: Any) -> list[str]:
        problems = parse_file(
            json.dumps(workflow({"id": "a", "type": "send_email", **step})), Workflow
        )
        assert isinstance(problems, list), problems
        return [str(problem) for problem in problems]

    variants = [{"name": "a", "template": "plain"}, {"name": "b", "template": "short"}]
    assert wrong(variants=variants, template_version=PIN) == [
        "steps[0]: has no template for template_version: write it into its variants"
    ]
    assert wrong(template="plain", template_version="v2") == [
        "steps[0].template_version: 'v2' is not written as it must be (the 16 digits of a version, "
        "0-9 and a-f, as the report of the template tells them)"
    ]
