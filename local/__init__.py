"""AWS on your machine: the emulator, a strict stand-in for SES with an inbox, deploy, the stack.

`python -m local up` starts everything and deploys the repository's template.yaml unchanged.
Nothing here is shipped to AWS.
"""
