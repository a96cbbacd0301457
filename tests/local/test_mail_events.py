"""The stand-in reports what SES reports: in order, in virtual time, to the set's topic."""

import json
import re
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local.aws import Clients
from local.ses.identities import ConfigurationSet, Destination
from tests.local.conftest import TOPIC, Post, simple

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def to(*addresses: str) -> dict[str, list[str]]:
    return {"ToAddresses": list(addresses)}


def test_mail_gets_send_and_delivery_events(post: Post) -> None:
    identity = post.send(
        EmailTags=[{"Name": "message", "Value": "m1"}, {"Name": "store", "Value": "acme"}],
        Content=simple(Headers=[{"Name": "List-Unsubscribe", "Value": "<https://shop.example/u>"}]),
    )
    send, delivery = post.topic.wait_for("Send", "Delivery")

    assert set(send) == {"eventType", "mail", "send"}
    assert send["send"] == {}
    mail = send["mail"]
    assert mail["messageId"] == identity
    assert mail["source"] == "Shop <post@shop.example>"
    assert mail["sendingAccountId"] == "000000000000"
    assert mail["sourceArn"].endswith(":identity/shop.example")
    assert mail["destination"] == ["ada@mail.example"]
    assert mail["headersTruncated"] is False
    assert {"name": "List-Unsubscribe", "value": "<https://shop.example/u>"} in mail["headers"]
    assert mail["commonHeaders"] == {
        "from": ["Shop <post@shop.example>"],
        "to": ["ada@mail.example"],
        "messageId": identity,
        "subject": "Hello",
    }
    assert TIME.fullmatch(mail["timestamp"])
    tags = mail["tags"]
    assert tags["message"] == ["m1"]
    assert tags["store"] == ["acme"]
    assert tags["ses:configuration-set"] == ["milepost"]
    assert tags["ses:from-domain"] == ["shop.example"]
    assert "ses:outgoing-ip" not in tags
    assert delivery["delivery"]["recipients"] == ["ada@mail.example"]
    assert delivery["delivery"]["processingTimeMillis"] >= 0
    assert delivery["mail"]["tags"]["ses:outgoing-ip"]
    assert TIME.fullmatch(delivery["delivery"]["timestamp"])


@pytest.mark.parametrize(
    ("local_part", "kinds"),
    [
        ("success", ["Send", "Delivery"]),
        ("success+label", ["Send", "Delivery"]),
        ("ooto", ["Send", "Delivery"]),
        ("bounce", ["Send", "Bounce"]),
        ("bounce+label", ["Send", "Bounce"]),
        ("complaint", ["Send", "Delivery", "Complaint"]),
        ("suppressionlist", ["Send", "Bounce"]),
    ],
)
def test_simulator_addresses_produce_their_outcomes(
    post: Post, local_part: str, kinds: list[str]
) -> None:
    address = f"{local_part}@simulator.amazonses.com"
    post.send(Destination=to(address))
    *_, last = post.topic.wait_for(*kinds)

    if last["eventType"] == "Bounce":
        bounce = last["bounce"]
        assert bounce["bounceType"] == "Permanent"
        assert bounce["bounceSubType"] == (
            "Suppressed" if local_part == "suppressionlist" else "General"
        )
        recipient = bounce["bouncedRecipients"][0]
        assert recipient["emailAddress"] == address
        assert recipient["action"] == "failed"
        assert recipient["status"] == "5.1.1"
        assert recipient["diagnosticCode"]
    if last["eventType"] == "Complaint":
        assert last["complaint"]["complainedRecipients"] == [{"emailAddress": address}]
        assert last["complaint"]["complaintFeedbackType"] == "abuse"


def test_marked_address_produces_ordered_outcome(post: Post) -> None:
    marks = {"a@x.example": "transient", "b@x.example": "silence", "c@x.example": "delay"}
    for address, outcome in marks.items():
        post.json("POST", "/api/outcomes", {"address": address, "outcome": outcome})
    post.send(Destination=to("A@x.example"))
    _, bounce = post.topic.wait_for("Send", "Bounce")
    post.topic.published.clear()
    post.send(Destination=to("b@x.example"))
    post.topic.wait_for("Send")
    post.topic.published.clear()
    post.send(Destination=to("c@x.example"))
    post.topic.wait_for("Send", "DeliveryDelay")

    assert bounce["bounce"]["bounceType"] == "Transient"
    post.json("DELETE", "/api/outcomes")
    assert post.http.post("/api/outcomes", json={"address": "a@x"}).status_code == 422


def test_config_set_gets_only_its_event_types(post: Post) -> None:
    only_bounces = (Destination(TOPIC, frozenset({"BOUNCE"})),)
    post.account.sets["few"] = ConfigurationSet("few", True, only_bounces)
    post.send(ConfigurationSetName="few", Destination=to("success@simulator.amazonses.com"))
    post.send(ConfigurationSetName="few", Destination=to("bounce@simulator.amazonses.com"))
    post.topic.wait_for("Bounce")


def test_config_set_without_destination_is_reported(post: Post) -> None:
    post.account.sets["deaf"] = ConfigurationSet("deaf", True, ())
    post.send(ConfigurationSetName="deaf")
    post.server.publisher.settle()

    assert "deaf reports to no SNS topic" in post.json("GET", "/api/status")["problems"][0]
    assert "deaf reports to no SNS topic" in post.http.get("/").text


def test_open_click_and_complaint_are_published(post: Post) -> None:
    html = (
        "<a href='https://shop.example/?a=1&amp;b=2' ses:tags='place:top;kind:button;'>One</a>"
        "<a ses:no-track href='https://shop.example/b'>Two</a> <a href='mailto:a@x.example'>M</a>"
    )
    body = {"Html": {"Data": html, "Charset": "UTF-8"}}
    identity = post.send(Content=simple(Body=body))
    post.topic.wait_for("Send", "Delivery")
    mail = f"/api/messages/{identity}"

    links = post.json("GET", mail)["links"]
    assert [link["url"] for link in links] == [
        "https://shop.example/?a=1&b=2",
        "https://shop.example/b",
        "mailto:a@x.example",
    ]
    assert [link["tracked"] for link in links] == [True, False, False]
    assert post.json("POST", f"{mail}/open", {"user_agent": "Gmail", "ip": "192.0.2.9"}) == {
        "published": True,
        "reason": "",
    }
    assert post.json("POST", f"{mail}/click", {"number": 1})["link"] == links[0]["url"]
    assert not post.json("POST", f"{mail}/click", {"link": "https://shop.example/b"})["published"]
    assert post.http.post(f"{mail}/click", json={"link": "https://evil.example"}).status_code == 404
    assert post.json("POST", f"{mail}/complain")["published"]
    assert post.json("POST", f"{mail}/bounce", {"type": "Transient"})["published"]

    *_, opened, clicked, _complaint, bounce = post.topic.wait_for(
        "Send", "Delivery", "Open", "Click", "Complaint", "Bounce"
    )
    assert opened["open"]["userAgent"] == "Gmail"
    assert opened["open"]["ipAddress"] == "192.0.2.9"
    assert clicked["click"]["link"] == "https://shop.example/?a=1&b=2"
    assert clicked["click"]["linkTags"] == {"place": ["top"], "kind": ["button"]}
    assert bounce["bounce"]["bounceType"] == "Transient"
    assert post.json("GET", mail)["states"] == {
        "Send": 1,
        "Delivery": 1,
        "Open": 1,
        "Click": 1,
        "Complaint": 1,
        "Bounce": 1,
    }


def test_mail_without_tracking_gets_no_open_or_click_events(post: Post) -> None:
    tracking = {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
    identity = post.send(ConfigurationOverrides={"Tracking": tracking})
    post.topic.wait_for("Send", "Delivery")

    for action, request in (("open", {}), ("click", {"number": 1})):
        answer = post.json("POST", f"/api/messages/{identity}/{action}", request)
        assert not answer["published"]
        assert "tracking" in answer["reason"]
    assert post.topic.kinds() == ["Send", "Delivery"]
    assert "https://shop.example/a" in post.http.get(f"/messages/{identity}/html").text


def test_long_headers_are_truncated_and_marked(post: Post) -> None:
    headers = [{"Name": f"X-{number}", "Value": "v" * 900} for number in range(13)]
    post.send(Content=simple(Headers=headers))
    send, _ = post.topic.wait_for("Send", "Delivery")

    assert send["mail"]["headersTruncated"] is True
    assert len(json.dumps(send["mail"]["headers"])) < 12_000


def test_ordered_refusal_looks_like_a_real_one(post: Post) -> None:
    post.json("POST", "/api/faults", {"fault": "throttle", "count": 2})
    for _ in range(2):
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            post.send()
    assert post.send()


@pytest.mark.parametrize(
    ("fault", "accepted"), [("unavailable_before_accept", 0), ("unavailable_after_accept", 1)]
)
def test_unavailable_service_may_have_accepted_the_mail(
    post: Post, fault: str, accepted: int
) -> None:
    post.json("POST", "/api/faults", {"fault": fault})
    with pytest.raises(ClientError) as caught:
        post.send()

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert len(post.json("GET", "/api/messages")["messages"]) == accepted


@pytest.mark.parametrize(
    ("fault", "accepted"), [("timeout_before_accept", 0), ("timeout_after_accept", 1)]
)
def test_timed_out_send_may_have_accepted_the_mail(post: Post, fault: str, accepted: int) -> None:
    impatient = Clients(post.url, read_timeout=0.3)
    post.json("POST", "/api/faults", {"fault": fault})
    with pytest.raises(ReadTimeoutError):
        impatient.ses.send_email(
            FromEmailAddress="post@shop.example",
            Destination={"ToAddresses": ["ada@mail.example"]},
            Content=simple(),
        )
    impatient.close()

    assert len(post.json("GET", "/api/messages")["messages"]) == accepted


def test_unknown_faults_are_refused_and_queued_ones_can_be_cleared(
    post: Post,
) -> None:
    assert post.http.post("/api/faults", json={"fault": "plague"}).status_code == 422
    assert post.http.post("/api/faults", json={"fault": "throttle", "count": 10**9}).is_error
    post.json("POST", "/api/faults", {"fault": "throttle", "count": 3})
    assert len(post.json("GET", "/api/status")["faults"]) == 3
    post.json("DELETE", "/api/faults")
    assert post.send()


def test_concurrent_senders_lose_no_mail_and_keep_event_order(post: Post) -> None:
    def send_some() -> None:
        for _ in range(10):
            post.send()

    senders = [threading.Thread(target=send_some) for _ in range(5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    post.server.publisher.settle()

    order: dict[str, list[Any]] = {}
    for event in post.topic.published:
        order.setdefault(event["mail"]["messageId"], []).append(event["eventType"])
    assert len(order) == 50
    assert set(map(tuple, order.values())) == {("Send", "Delivery")}
