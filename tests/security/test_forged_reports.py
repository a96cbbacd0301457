"""A forged delivery event cannot unsubscribe a recipient or reveal data."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from milepost.contacts.event import contact_id
from tests.support.aws_events import queued, sample, told_by_sns
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud, Shop
from tests.support.handlers import record_ses_events, run, tell, upload
from tests.support.template import read_stack

Json = dict[str, Any]
Forge = Callable[["Sent", Json], Any]
OTHERS = "somebody.else@mail.example"


@dataclass(frozen=True)
class Sent:
    """One sent mail, in a store that has a neighbor."""

    shop: Shop
    neighbor: Shop
    message: str

    def bounce(self) -> Json:
        """SES's event for a permanent bounce of this mail."""
        event = sample("ses", "bounce.permanent")
        event["mail"]["tags"] |= {"message": [self.message], "store": [self.shop.store]}
        event["bounce"]["bouncedRecipients"][0]["emailAddress"] = EMAIL
        return dict(event)

    def state(self) -> list[Json]:
        """All stored data of both stores."""
        return [*self.shop.items(), *self.neighbor.items()]


@pytest.fixture(scope="module")
def sent(cloud: Cloud) -> Sent:
    shop, neighbor = cloud.open_shop(), cloud.open_shop()
    for each in (shop, neighbor):
        upload(each, files_of(cart=workflow(send("first"))))
        tell(each, "Checkout Started")
        run(each, "cart", "first")
    (message,) = shop.items("MESSAGE#")
    return Sent(shop, neighbor, message["sk"]["S"].removeprefix("MESSAGE#"))


def tagged(**tags: Any) -> Forge:
    def forge(_: Sent, event: Json) -> Json:
        event["mail"]["tags"] |= tags
        return event

    return forge


def addressed(*addresses: str) -> Forge:
    def forge(_: Sent, event: Json) -> Json:
        event["bounce"]["bouncedRecipients"] = [{"emailAddress": a} for a in addresses]
        return event

    return forge


def of_neighbor(sent: Sent, event: Json) -> Json:
    event["mail"]["tags"]["store"] = [sent.neighbor.store]
    return event


def without_tags(_: Sent, event: Json) -> Json:
    del event["mail"]["tags"]
    return event


def complaint_of_another(sent: Sent, _: Json) -> Json:
    event = sample("ses", "complaint")
    event["mail"]["tags"] |= {"message": [sent.message], "store": [sent.shop.store]}
    event["complaint"]["complainedRecipients"] = [{"emailAddress": OTHERS}]
    return dict(event)


def guessed(sent: Sent, event: Json) -> Json:
    """The right contact, but a message that was never sent."""
    contact = contact_id(sent.shop.store, "email", EMAIL)
    event["mail"]["tags"]["message"] = [f"{contact}-{'0' * 24}"]
    return event


FORGERIES: dict[str, Forge] = {
    "a message nobody sent": tagged(message=["c" + "0" * 25 + "-" + "1" * 24]),
    "a guess at one contact's messages": guessed,
    "a message of another store": of_neighbor,
    "a store there is not": tagged(store=["nobody"]),
    "a store that is a path": tagged(store=["../harborline"]),
    "a store that is a key": tagged(store=["x#C#y"]),
    "no tags": without_tags,
    "an empty message": tagged(message=[""]),
    "no message": tagged(message=[]),
    "a message that is a number": tagged(message=[7]),
    "a message that is an object": tagged(message=[{"S": "x"}]),
    "a message that is a text": tagged(message="x"),
    "an empty store": tagged(store=[""]),
    "a message without a contact": tagged(message=["1" * 24]),
    "a message of dashes": tagged(message=["-----"]),
    "a message with a line break": tagged(message=["c\n-1"]),
    "a message of lone surrogates": tagged(message=["\ud800-\ud800"]),
    "a very long message": tagged(message=["c" * 5000]),
    "another address": addressed(OTHERS),
    "an address that begins alike": addressed(EMAIL + ".attacker.example"),
    "an address that ends alike": addressed("x" + EMAIL),
    "look-alike letters": addressed(EMAIL.replace("a", "\u0430")),
    "another address in the comment's place": addressed(f"{EMAIL} <{OTHERS}>"),
    "another's complaint": complaint_of_another,
}


@pytest.mark.parametrize("how", FORGERIES)
def test_forged_delivery_event_changes_nothing(sent: Sent, how: str) -> None:
    forged = FORGERIES[how](sent, sent.bounce())
    before = sent.state()
    record_ses_events(queued(told_by_sns(forged)))
    assert sent.state() == before


BODIES: dict[str, Callable[[Json], str]] = {
    "no JSON": lambda _: "bounce",
    "an envelope in an envelope": lambda e: json.dumps(
        {"Message": json.dumps({"Message": json.dumps(e)})}
    ),
    "a list": lambda e: json.dumps([e]),
    "null": lambda _: "null",
    "an empty message": lambda _: json.dumps({"Message": ""}),
    "an object for a message": lambda e: json.dumps({"Message": e}),
    "a subscription to be confirmed": lambda _: json.dumps(
        {
            "Type": "SubscriptionConfirmation",
            "SubscribeURL": "https://attacker.example/",
            "Message": "You have chosen to subscribe",
            "Token": "x",
        }
    ),
    "deep nesting": lambda _: '{"Message": "' + "[" * 20_000 + '"}',
    "not a number": lambda _: json.dumps({"Message": '{"eventType": NaN}'}),
    "an unknown kind": lambda e: json.dumps({"Message": json.dumps({**e, "eventType": "Erase"})}),
    "a kind that is a list": lambda e: json.dumps({"Message": json.dumps({**e, "eventType": []})}),
}


@pytest.mark.parametrize("how", BODIES)
def test_body_not_from_our_topic_changes_nothing(sent: Sent, how: str) -> None:
    before = sent.state()
    batch = queued("x")
    batch["Records"][0]["body"] = BODIES[how](sent.bounce())
    record_ses_events(batch)
    assert sent.state() == before


def test_queue_accepts_only_its_own_topic() -> None:
    """A foreign topic is signed like ours, so the topic's name must be checked."""
    (statement,) = policy("FeedbackQueuePolicy")
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "FeedbackTopic"}}}


def test_topic_accepts_only_our_configuration_set() -> None:
    allowed = [s for s in policy("FeedbackTopicPolicy") if s["Effect"] == "Allow"]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    # Condition keys are case-insensitive (AWS's own example spells them like this).
    equals = {key.lower(): value for key, value in statement["Condition"]["StringEquals"].items()}
    assert equals["aws:sourceaccount"] == {"Ref": "AWS::AccountId"}
    assert "configuration-set/${ConfigurationSet}" in json.dumps(equals["aws:sourcearn"])


def policy(name: str) -> list[Json]:
    properties = read_stack().source["Resources"][name]["Properties"]
    return list(properties["PolicyDocument"]["Statement"])
