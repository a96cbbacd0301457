from botocore.config import Config

ONE_ATTEMPT = Config(
    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, tcp_keepalive=True
)
"""SES has no idempotency token, so a retry inside the SDK could send a second mail."""
