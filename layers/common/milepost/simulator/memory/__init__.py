"""In-memory implementations of the ports, with the same contracts as the AWS adapters."""
