"""Publishing of a file: load, check, compile, activate, report."""
