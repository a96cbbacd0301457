"""Imports and exports in DynamoDB."""
