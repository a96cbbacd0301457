"""MiniStack with corrections where it differs from AWS and would hide an error or cause one.

`python -m local.emulator` runs the installed MiniStack with its own settings and main, after some
of its functions have been wrapped in memory. Each correction says what AWS does and what the
emulator does, and has a test. The template and the functions do not depend on this.
"""

MINISTACK_VERSION = "1.5.33"

# With this header the SES stand-in asks only for an authorization check of a mail.
AUTHORIZE_ONLY = "x-milepost-authorize-only"
