"""Contacts, timelines and lists in DynamoDB."""
