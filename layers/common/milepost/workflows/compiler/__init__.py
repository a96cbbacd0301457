"""Compiles a workflow file into a program and its state machine, and finds every problem."""
