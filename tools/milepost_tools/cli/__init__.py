"""`milepost`: the command line. Most commands work on local files and need no AWS.

No other package imports this one, so no function loads typer or rich.
"""
