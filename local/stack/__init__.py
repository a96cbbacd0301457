"""The stack on this machine: deploy, proxy, clock, mail server."""
