"""Read all enrollments and messages of one workflow from the index `runs`."""

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.sending.counts import Alarm, WorkflowCounts, count_outcomes


def workflow_numbers(table: Table, store: str, workflow: str, alarm: Alarm) -> WorkflowCounts:
    """The results of a workflow so far. The index is about a second behind the table."""
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
