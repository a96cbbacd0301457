"""`milepost`: everything about workflows that needs no AWS, on a person's own machine.

Nothing imports this package, so that no function ever loads what it needs (typer, rich).
"""
