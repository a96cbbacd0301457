"""The composition root: builds the objects that the functions use, once per process."""
