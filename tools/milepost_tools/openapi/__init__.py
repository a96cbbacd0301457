"""The description of the API: OpenAPI 3.1, made from the very models that read what is posted.

`routes.py` has one entry for each route of `template.yaml`; a test compares the two, and what the
functions answer with what is written here. Nothing of this is loaded by a function.
"""
