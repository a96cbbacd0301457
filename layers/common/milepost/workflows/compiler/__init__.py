"""From a workflow file to a program and its state machine, with every problem found."""
