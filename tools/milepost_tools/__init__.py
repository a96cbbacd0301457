"""Milepost's command line and what only developers need: never part of a Lambda function."""
