"""Read the index of runs: every enrollment and message of one workflow, and nothing else."""

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.sending.counts import Alarm, WorkflowCounts, count_outcomes


def workflow_numbers(table: Table, store: str, workflow: str, alarm: Alarm) -> WorkflowCounts:
    """The results of a workflow so far. The index follows the table within about a second."""
    items = (
        item
        for number in range(keys.SHARDS)
        for item in table.query(
            IndexName="runs",
            KeyConditionExpression="run_bucket = :bucket",
            values={":bucket": keys.run_bucket(store, workflow, number)},
        )
    )
    return count_outcomes(items, alarm)
