"""Enrollments in DynamoDB."""
