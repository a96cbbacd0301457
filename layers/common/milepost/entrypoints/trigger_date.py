"""Every minute: what is due."""

from typing import Any

from milepost import bootstrap
from milepost.adapters.functions import LambdaResender
from milepost.entrypoints.log import count, logger
from milepost.entrypoints.warm import warm
from milepost.services.reconcile import reconcile


def handler(_: Any, __: Any) -> None:
    """Decide messages whose outcome nobody reported within 15 minutes."""
    bootstrap.settings().need("run_steps_arn")
    resender = LambdaResender(bootstrap.client("lambda"), bootstrap.settings().run_steps_arn)
    done = reconcile(bootstrap.timers(), resender, bootstrap.clock().wire_now())
    if done.given_up or done.sent_again:
        logger.warning(
            "outcomes unknown", extra={"given_up": done.given_up, "sent_again": done.sent_again}
        )
        count("MessagesGivenUp", done.given_up)
        count("MessagesSentAgain", done.sent_again)


warm(bootstrap.timers, bootstrap.clock)
