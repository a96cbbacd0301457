"""The doctor: checks what a stack needs to send e-mail. The checks are pure functions."""
