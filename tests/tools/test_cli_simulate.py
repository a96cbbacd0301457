"""`milepost simulate` shows what a workflow would do with a contact."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import branch, delay, leave, send, shop, wait_for, workflow
from tests.support.commands import Answer, milepost, write

CART = workflow(
    delay("1 hour", "first-wait"),
    branch(
        "big-cart",
        {"event": "total", "gte": 100},
        [send("offer")],
        [leave("small", "not worth it")],
    ),
    wait_for("answer", "Email Clicked", "1 day", on_timeout=[send("last-call")]),
    trigger={"type": "event", "event": "Checkout Started", "key": "checkout_id"},
    audience={"consents_to": "offers"},
    exit_on=[{"event": "Order Completed"}],
)
START = "2026-11-02T12:00:00Z"


@pytest.fixture
def cart(tmp_path: Path) -> Path:
    return write(tmp_path, shop(cart=CART)) / "workflows" / "cart.json"


def simulate(cart: Path, *more: object) -> Answer:
    return milepost("simulate", cart, "--start", START, *more)


ENTERS = ("--consent", "offers", "--set", "checkout_id=c-1", "--set", "total=150")


def saved(cart: Path, document: Any) -> Path:
    file = cart.parent.parent / "given.txt"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def test_simulation_prints_every_step_at_its_virtual_time(cart: Path) -> None:
    answer = simulate(cart, *ENTERS)
    assert answer.code == 0
    assert answer.lines == [
        "Mon 2026-11-02 12:00  Checkout Started",
        "Mon 2026-11-02 12:00  enters cart",
        "Mon 2026-11-02 12:00  first-wait: waits until Mon 2026-11-02 13:00",
        'Mon 2026-11-02 13:00  big-cart: takes "yes": event.total is 150 '
        "(condition: is at least 100)",
        'Mon 2026-11-02 13:00  offer: mails "About plain" to shopper@mail.example',
        "Mon 2026-11-02 13:00  answer: waits for Email Clicked, until Tue 2026-11-03 13:00",
        "Tue 2026-11-03 13:00  answer: no Email Clicked within 1 day",
        'Tue 2026-11-03 13:00  last-call: mails "About plain" to shopper@mail.example',
        "Tue 2026-11-03 13:00  leaves cart, completed",
    ]


def test_simulation_prints_why_contact_cannot_enter(cart: Path) -> None:
    answer = simulate(cart, "--set", "checkout_id=c-1")
    assert answer.code == 0
    assert answer.lines[-1].endswith("does not enter cart: audience: never consented to offers")


def test_simulation_names_missing_key(cart: Path) -> None:
    assert "key: event.checkout_id is missing" in simulate(cart, "--consent", "offers").out


def test_simulation_takes_other_branch_and_prints_reason(cart: Path) -> None:
    answer = simulate(cart, *ENTERS, "--set", "total=20")
    assert "takes no path: yes: event.total is 20" in answer.out
    assert answer.lines[-1].endswith("leaves cart, exited: not worth it")


def test_simulation_reads_contact_from_file(cart: Path) -> None:
    person = {"email": "ada@mail.example", "consents_to": ["offers"]}
    answer = simulate(cart, "--contact", saved(cart, person), *ENTERS[2:])
    assert "to ada@mail.example" in answer.out
    answer = simulate(cart, "--email", "bo@mail.example", *ENTERS)
    assert "to bo@mail.example" in answer.out


def test_simulation_respects_marketing_frequency(cart: Path) -> None:
    for often, mails in (("all", 2), ("weekly", 1), ("monthly", 1)):
        answer = simulate(cart, "--contact", saved(cart, {"frequency": often}), *ENTERS)
        assert answer.out.count(": mails ") == mails
        assert (f"skipped: reader wants {often} mail" in answer.out) == (mails == 1)
    answer = simulate(cart, "--contact", saved(cart, {"frequency": "daily"}), *ENTERS)
    assert "contact.frequency: 'daily' is not one of 'all', 'weekly' or 'monthly'" in answer.out


def test_simulated_contact_can_have_lists_and_stage(tmp_path: Path) -> None:
    audience = {"all": [{"in_list": "vip"}, {"contact": "stage", "is": "customer"}]}
    files = shop(cart=workflow(send("offer"), audience=audience))
    file = write(tmp_path, files) / "workflows" / "cart.json"
    person = {"consents_to": ["offers"], "lists": ["vip"], "stage": "customer"}
    assert "offer: mails" in simulate(file, "--contact", saved(file, person)).out
    for name, left in (("lists", "not on"), ("stage", "contact.stage is missing")):
        less = {key: value for key, value in person.items() if key != name}
        answer = simulate(file, "--contact", saved(file, less))
        assert "does not enter cart: audience" in answer.out
        assert left in answer.out


def test_simulation_reads_data_from_file_and_overrides_values(cart: Path) -> None:
    data = saved(cart, {"checkout_id": "c-1", "total": 20})
    answer = simulate(cart, "--consent", "offers", "--event", data, "--set", "total=200")
    assert "event.total is 200" in answer.out


def test_simulation_sets_nested_values(cart: Path) -> None:
    answer = simulate(cart, *ENTERS, "--set", "cart.lines=[1, 2]", "--set", "cart.name=a", "--json")
    assert answer.json["moments"][0]["detail"]["data"]["cart"] == {"lines": [1, 2], "name": "a"}


def test_simulation_reads_later_events_from_file(cart: Path) -> None:
    events = [{"after": "2 hours", "event": "Order Completed"}]
    answer = simulate(cart, *ENTERS, "--events", saved(cart, events))
    assert answer.lines[-1] == "Mon 2026-11-02 14:00  leaves cart, exited: exit on Order Completed"


def test_simulated_contact_clicks_in_mail_of_step(cart: Path) -> None:
    events = [{"at": "2026-11-02T15:00:00Z", "clicks": "offer"}]
    answer = simulate(cart, *ENTERS, "--events", saved(cart, events))
    assert answer.lines[-2:] == [
        "Mon 2026-11-02 15:00  Email Clicked",
        "Mon 2026-11-02 15:00  leaves cart, completed",
    ]


def test_click_in_unsent_mail_is_refused(cart: Path) -> None:
    events = [{"after": "5 minutes", "clicks": "offer"}]
    answer = simulate(cart, *ENTERS, "--events", saved(cart, events))
    assert answer.code == 1
    assert answer.lines[-1] == (
        'the story: events[0].clicks: no mail of step "offer" has gone out by then'
    )


def test_simulation_uses_past_events(tmp_path: Path) -> None:
    bought = {"did": "Order Completed", "within": "30 days"}
    files = shop(cart=workflow(branch("regular", bought, [send("thanks")], [send("hello")])))
    cart = write(tmp_path, files) / "workflows" / "cart.json"
    events = saved(cart, [{"before": "3 days", "event": "Order Completed"}])
    assert "thanks: mails" in simulate(cart, "--consent", "offers", "--events", events).out
    assert "hello: mails" in simulate(cart, "--consent", "offers").out


def test_simulation_prints_reason_of_skipped_mail(tmp_path: Path) -> None:
    cart = write(tmp_path, shop(cart=workflow(send("a")))) / "workflows" / "cart.json"
    answer = simulate(cart)
    assert "a: skipped: no consent" in answer.out


def test_draft_workflow_can_be_simulated(tmp_path: Path) -> None:
    draft = workflow(send("a"), status="draft", category="transactional")
    cart = write(tmp_path, shop(cart=draft)) / "workflows" / "cart.json"
    assert "enters cart" in simulate(cart).out


def test_simulation_runs_no_other_workflow(tmp_path: Path) -> None:
    files = shop(cart=CART, other=workflow(send("a"), category="transactional"))
    cart = write(tmp_path, files) / "workflows" / "cart.json"
    assert "other" not in simulate(cart, *ENTERS).out


def test_json_option_prints_json(cart: Path) -> None:
    story = simulate(cart, *ENTERS, "--json").json
    assert story["path"] == ["first-wait", "big-cart", "offer", "answer", "last-call"]
    assert (story["ends"], story["reason"], story["problems"]) == ("completed", None, [])
    assert story["moments"][4] == {
        "at": "2026-11-02T13:00:00.000Z",
        "kind": "mails",
        "step": "offer",
        "text": '"About plain" to shopper@mail.example',
        "detail": {
            "to": "shopper@mail.example",
            "subject": "About plain",
            "locale": "en",
            "numbers": {"category": "marketing", "consented_at": "2026-11-02T12:00:00.000Z"},
        },
    }


def test_terminal_gets_a_table(cart: Path) -> None:
    events = saved(cart, [{"before": "3 days", "event": "Product Viewed"}])
    options = ("--start", START, "--events", events, *ENTERS)
    answer = milepost("simulate", cart, *options, terminal=True)
    assert "what happens" in answer.out
    assert "3 days before" in answer.out
    assert "1 day 1 hour" in answer.out


def test_simulation_with_same_input_is_deterministic(cart: Path) -> None:
    assert simulate(cart, *ENTERS, "--json") == simulate(cart, *ENTERS, "--json")


def test_another_seed_changes_random_choice(tmp_path: Path) -> None:
    paths = [{"name": name, "steps": [send(name)]} for name in ("one", "two")]
    split = {"id": "test", "type": "split", "paths": paths}
    files = shop(cart=workflow(split, category="transactional"))
    cart = write(tmp_path, files) / "workflows" / "cart.json"
    taken = [simulate(cart, "--seed", seed, "--json").json["path"] for seed in range(8)]
    assert {tuple(path) for path in taken} == {("test", "one"), ("test", "two")}
    assert taken == [simulate(cart, "--seed", seed, "--json").json["path"] for seed in range(8)]


def test_simulation_without_start_begins_now(cart: Path) -> None:
    assert milepost("simulate", cart, *ENTERS).code == 0


def test_simulation_prints_errors_of_refused_workflow(tmp_path: Path) -> None:
    cart = write(tmp_path, shop(cart=workflow(send("a", "plane")))) / "workflows" / "cart.json"
    answer = simulate(cart)
    assert answer.code == 1
    assert answer.lines[0].startswith(f"{cart}: steps[0].template: no template named")


WRONG_OPTIONS: list[tuple[list[str], int, str]] = [
    (["--set", "total"], 2, "write it like total=150"),
    (["--set", "=1"], 2, "write it like total=150"),
    (["--set", "a..b=1"], 2, "write it like total=150"),
    (["--set", "a=1", "--set", "a.b=1"], 2, "a is a value, and can hold no other"),
    (["--start", "monday"], 1, "the story: start: 'monday' is no instant with an offset: write"),
    (["--start", "2026-11-02T12:00:00"], 1, "is no instant with an offset"),
    (["--start", "0001-01-01T00:00:00Z"], 1, "is not in this century"),
    (["--email", "nobody"], 1, "this is not an e-mail address"),
    (["--consent", "No Topic"], 1, "the story: contact.consents_to[0]:"),
    (["--consent", "offer"], 1, 'settings.json has no topic "offer" (did you mean "offers"?)'),
    (["--contact", "nowhere.json"], 2, "nowhere.json: there is no such file"),
    (["--events", "nowhere.json"], 2, "nowhere.json: there is no such file"),
    (["--event", "/"], 2, "/: is not a file"),
    (["--seed", "x"], 2, "--seed"),
]


@pytest.mark.parametrize(("options", "code", "sentence"), WRONG_OPTIONS)
def test_invalid_option_prints_an_error(
    cart: Path, options: list[str], code: int, sentence: str
) -> None:
    answer = simulate(cart, *options)
    assert answer.code == code
    assert sentence in answer.out + answer.err


DEEP = '{"a":' * 100 + "1" + "}" * 100
WRONG_FILES: list[tuple[str, str, int, str]] = [
    ("--contact", "{", 2, "line 1, column 2: this is not JSON"),
    ("--contact", "[]", 2, "should be a contact"),
    ("--contact", '{"emial": "a@b.example"}', 1, 'did you mean "email"?'),
    ("--contact", '{"timezone": "Mars"}', 1, "IANA name"),
    ("--contact", '{"phone": "12"}', 1, "country code"),
    ("--contact", '{"email": ""}', 1, "needs one of email"),
    ("--contact", '{"first_name": "\\ud800"}', 1, "contact.first_name"),
    ("--contact", '{"properties": {"a": "\\ud800"}}', 1, "contact.properties"),
    ("--event", "1", 2, "should be the data of an event"),
    ("--event", DEEP, 1, "nested deeper"),
    ("--event", '{"a":' * 100_000, 2, "cannot be read"),
    ("--event", '{"a": NaN}', 1, "NaN is not JSON"),
    ("--events", "{}", 1, "events: "),
    ("--events", "[1]", 1, "events[0]"),
    ("--events", "[{}]", 1, "needs a time"),
    ("--events", '[{"after": "1 day"}]', 1, "needs exactly one of event"),
    ("--events", '[{"after": "1 day", "clicks": "a", "opens": "a"}]', 1, "exactly one of"),
    ("--events", '[{"after": "soon", "event": "A"}]', 1, "is not a duration"),
    ("--events", '[{"at": "soon", "event": "A"}]', 1, "events[0].at"),
    ("--events", '[{"after": "1 day", "event": "\\u0000"}]', 1, "events[0]"),
    ("--events", '[{"after": "1 day", "opens": "a", "link": "x"}]', 1, "link goes with clicks"),
    ("--events", '[{"after": "1 day", "opens": "a", "properties": {}}]', 1, "go with event"),
    ("--events", '[{"before": "3650 days", "event": "A"}]', 0, ""),
    ("--events", '[{"at": "9999-12-31T23:59:59Z", "event": "A"}]', 1, "is not in this century"),
]


@pytest.mark.parametrize(("option", "content", "code", "sentence"), WRONG_FILES)
def test_invalid_file_prints_an_error(
    cart: Path, option: str, content: str, code: int, sentence: str
) -> None:
    answer = simulate(cart, option, saved(cart, content))
    assert answer.code == code
    assert sentence in answer.out + answer.err
    assert "Traceback" not in answer.out + answer.err


def test_errors_of_used_templates_and_settings_are_printed(tmp_path: Path) -> None:
    files = shop(cart=workflow(send("a"), audience={"consents_to": "offers"}), other=workflow())
    files["settings.json"] = "{"
    answer = simulate(write(tmp_path, files) / "workflows" / "cart.json")
    assert answer.code == 1
    assert answer.lines == [
        f"{tmp_path}/settings.json: line 1, column 2: this is not JSON: Expecting property name "
        "enclosed in double quotes (a comma too many or too few?)"
    ]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere.json", "there is no such file"),
        ("", "is a folder"),
        ("settings.json", "is not the file of a workflow"),
        ("templates/plain/subject.txt", "is not the file of a workflow"),
    ],
)
def test_simulating_another_file_is_refused(cart: Path, path: str, sentence: str) -> None:
    answer = milepost("simulate", cart.parent.parent / path)
    assert answer.code == 2
    assert sentence in answer.err
