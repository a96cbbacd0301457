"""The proxy forwards requests to the deployed API, whose routes are those of the template."""

import gzip
import http.client
import json
from typing import Any

import httpx
import pytest

from local import ports
from local.errors import LocalError
from local.stack.proxy import ApiProxy
from local.stack.routes import WantedRoute, find_api, resolve, settle, wanted_routes
from local.stack.web_server import WebServer
from tests.local.conftest import Account

MIRROR = """
import json
def handler(event, context):
    return {
        "statusCode": 202,
        "headers": {"content-type": "application/json", "x-a": "b"},
        "cookies": ["one=1", "two=2"],
        "body": json.dumps(event),
    }
"""
URI = {
    "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "${Mirror.Arn}/invocations"
}
OPEN_API = {
    "paths": {
        "/v1/{store}/events": {
            "post": {"x-amazon-apigateway-integration": {"uri": URI}, "parameters": []}
        },
        "/v1/{store}/unsubscribe/{token}": {
            "get": {"x-amazon-apigateway-integration": {"uri": URI}},
            "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"uri": URI}},
        },
        "/$default": {
            "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"uri": URI}}
        },
    }
}


@pytest.fixture(scope="module")
def api(account: Account) -> str:
    account.function("mirror", MIRROR)
    client = account.aws.apigateway
    identity = client.create_api(Name="mirror", ProtocolType="HTTP")["ApiId"]
    client.create_stage(ApiId=identity, StageName="$default", AutoDeploy=True)
    wanted = list(wanted_routes(OPEN_API, {"Mirror": "mirror"}))
    settle(client, identity, [route for route in wanted if route.key != "$default"])
    return identity


@pytest.fixture
def door(account: Account, api: str) -> Any:
    gateway = ApiProxy()
    listener = ports.listen(0)
    served = WebServer(gateway.app, listener, "proxy")
    gateway.open_to(account.aws.endpoint, api)
    yield f"http://127.0.0.1:{ports.port_of(listener)}"
    served.stop()


def test_routes_match_openapi_body_of_template() -> None:
    wanted = list(wanted_routes(OPEN_API, {"Mirror": "mirror-1"}))

    assert [route.key for route in wanted] == [
        "POST /v1/{store}/events",
        "GET /v1/{store}/unsubscribe/{token}",
        "ANY /v1/{store}/unsubscribe/{token}",
        "$default",
    ]
    assert {route.uri for route in wanted} == {
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:000000000000:function:mirror-1/invocations"
    }
    with pytest.raises(LocalError, match="new form"):
        resolve({"Fn::Join": []}, {})


def test_routes_can_be_recreated_and_follow_template(account: Account) -> None:
    client = account.aws.apigateway
    identity = client.create_api(Name="changing", ProtocolType="HTTP")["ApiId"]

    def settled(*routes: WantedRoute) -> dict[str, str]:
        settle(client, identity, list(routes))
        settle(client, identity, list(routes))
        integrations = {
            f"integrations/{one['IntegrationId']}": one["IntegrationUri"]
            for one in client.get_integrations(ApiId=identity)["Items"]
        }
        routes_now = client.get_routes(ApiId=identity)["Items"]
        return {one["RouteKey"]: integrations[one["Target"]] for one in routes_now}

    assert settled(WantedRoute("GET /a", "u1"), WantedRoute("GET /b", "u1")) == {
        "GET /a": "u1",
        "GET /b": "u1",
    }
    assert settled(WantedRoute("GET /a", "u2")) == {"GET /a": "u2"}


def test_template_with_other_than_one_api_is_refused() -> None:
    assert find_api({"Api": "abc"}) == "abc"
    with pytest.raises(LocalError, match="it has 0"):
        find_api({})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{ "n": 1.10, "name": "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85" }\r\n'),
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\x00\xff--x--"),
        ("application/octet-stream", bytes(range(256))),
        ("application/octet-stream", gzip.compress(b"x" * 1000, mtime=0)),
    ],
)
def test_request_body_reaches_function_unchanged(door: str, kind: str, body: bytes) -> None:
    answer = httpx.post(
        f"{door}/v1/acme/events", content=body, headers={"Content-Type": kind}, timeout=30
    )
    event = answer.json()
    sent = event["body"]
    if event["isBase64Encoded"]:
        import base64

        received = base64.b64decode(sent)
    else:
        received = sent.encode()

    assert received == body
    assert event["headers"]["content-type"] == kind


def test_function_gets_payload_format_2(door: str) -> None:
    answer = httpx.get(
        f"{door}/v1/acme/unsubscribe/a.b-c_d?x=1&x=2&y=a%20b",
        headers={"X-Milepost-Signature": "t=1,v1=ab"},
        timeout=30,
    )
    event = answer.json()

    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /v1/{store}/unsubscribe/{token}"
    assert event["rawPath"] == "/v1/acme/unsubscribe/a.b-c_d"
    assert event["rawQueryString"] == "x=1&x=2&y=a%20b"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["pathParameters"] == {"store": "acme", "token": "a.b-c_d"}
    assert event["headers"]["x-milepost-signature"] == "t=1,v1=ab"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["isBase64Encoded"] is False
    assert "body" not in event


def test_answer_of_function_is_returned_unchanged(door: str) -> None:
    answer = httpx.post(f"{door}/v1/acme/events", json={}, timeout=30)

    assert answer.status_code == 202
    assert answer.headers["x-a"] == "b"
    assert answer.headers.get_list("set-cookie") == ["one=1", "two=2"]
    assert len(answer.headers.get_list("content-length")) == 1


def test_request_path_is_forwarded_unchanged(door: str) -> None:
    address = httpx.URL(door)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request("GET", "/v1/a%20b/unsubscribe/%D8%B3~%7E")
    event = json.loads(connection.getresponse().read())
    connection.close()

    assert event["pathParameters"] == {"store": "a b", "token": "س~~"}
    assert "user-agent" not in event["headers"]


def test_unknown_route_is_not_found(door: str) -> None:
    assert httpx.get(f"{door}/v1/acme/events", timeout=30).status_code == 404
    assert httpx.get(f"{door}/", timeout=30).status_code == 404


def test_body_over_ten_megabytes_is_refused_like_api_gateway(door: str) -> None:
    answer = httpx.post(f"{door}/v1/acme/events", content=b"x" * (10 * 1024 * 1024 + 1), timeout=30)

    assert answer.status_code == 413


def test_proxy_reports_missing_deploy_and_stopped_emulator() -> None:
    gateway = ApiProxy()
    listener = ports.listen(0)
    served = WebServer(gateway.app, listener, "proxy")
    door = f"http://127.0.0.1:{ports.port_of(listener)}"

    assert httpx.get(door).status_code == 503
    with ports.listen(0) as closed:
        nowhere = f"http://127.0.0.1:{ports.port_of(closed)}"
    gateway.open_to(nowhere, "api")
    assert httpx.get(door).status_code == 502
    served.stop()
