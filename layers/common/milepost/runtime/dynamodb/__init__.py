"""Timers, jobs, backfill progress and dead letters in DynamoDB."""
