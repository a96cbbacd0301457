"""The workflow file and the tree of its steps."""
