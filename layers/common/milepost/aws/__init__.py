"""Access to DynamoDB, S3 and SQS, client settings, and the keys of all tables."""
