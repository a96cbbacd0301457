"""A package, so that its stack is taken down when the last of its tests is done."""
