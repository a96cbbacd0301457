"""MiniStack, started with corrections where it would let a wrong stack pass or a right one fail.

`python -m local.emulator` is MiniStack itself (the installed package, its settings, its main),
after a few of its functions have been wrapped in memory. Each correction names what AWS does and
what the emulator does otherwise, and has a test that shows it. The template and the functions know
nothing of this.
"""

MINISTACK_VERSION = "1.5.33"

# A header by which the stand-in for SES asks for a judgment on a mail and for nothing else.
AUTHORIZE_ONLY = "x-milepost-authorize-only"
