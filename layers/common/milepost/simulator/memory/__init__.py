"""Every store and service in memory, with the same contracts as the AWS adapters."""
