"""What every edge shares: table, S3 and SQS access, client settings, and all table keys."""
