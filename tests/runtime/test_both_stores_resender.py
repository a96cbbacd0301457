"""The retry of a message by `run_steps`: every error of AWS is a `ThrottledError`."""

import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from milepost.base.errors import ThrottledError
from milepost.runtime.aws import LambdaMessageRetrier
from tests.support.builders import enrollment_ref


@pytest.fixture
def stubbed() -> tuple[LambdaMessageRetrier, Stubber]:
    client = boto3.Session("none", "none", region_name="us-east-1").client("lambda")
    return LambdaMessageRetrier(client, "run-steps"), Stubber(client)


def _answer(body: bytes = b'{"next": "end"}', **more: str) -> dict[str, object]:
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **more}


def test_retrier_names_the_message_to_the_function(
    stubbed: tuple[LambdaMessageRetrier, Stubber],
) -> None:
    resender, stub = stubbed
    task = {"enrollment": enrollment_ref().to_json(), "retry_step": "receipt", "block_seq": 3}
    expected = {"FunctionName": "run-steps", "Payload": json.dumps(task).encode()}
    stub.add_response("invoke", _answer(), expected)
    with stub:
        assert resender.retry_message(enrollment_ref(), "receipt", 3)
    stub.assert_no_pending_responses()


def test_function_may_answer_that_a_pause_must_end_first(
    stubbed: tuple[LambdaMessageRetrier, Stubber],
) -> None:
    resender, stub = stubbed
    stub.add_response("invoke", _answer(b'{"next": "paused"}'))
    with stub:
        assert not resender.retry_message(enrollment_ref(), "receipt", 3)


def test_failing_function_is_retried_later(
    stubbed: tuple[LambdaMessageRetrier, Stubber],
) -> None:
    resender, stub = stubbed
    stub.add_response("invoke", _answer(FunctionError="Unhandled"))
    with stub, pytest.raises(ThrottledError):
        resender.retry_message(enrollment_ref(), "receipt", 3)


def test_unreachable_function_is_retried_later(
    stubbed: tuple[LambdaMessageRetrier, Stubber],
) -> None:
    resender, stub = stubbed
    stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
    with stub, pytest.raises(ThrottledError):
        resender.retry_message(enrollment_ref(), "receipt", 3)
