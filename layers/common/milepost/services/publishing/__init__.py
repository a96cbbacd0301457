"""Publish: what each kind of file comes to. `services/publish.py` brings them in and reports."""
