"""AWS on your machine: the emulator, a strict stand-in for SES, an inbox, the deploy and the stack.

`python -m local up` starts everything and deploys the repository's template.yaml unchanged. None of
this is deployed to AWS.
"""
