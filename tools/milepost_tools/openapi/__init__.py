"""The description of the API: OpenAPI 3.1, generated from the models that parse the requests.

`routes.py` has one entry for each route of `template.yaml`. Tests compare it with the template and
compare the functions' answers with the models. No function loads this package.
"""
