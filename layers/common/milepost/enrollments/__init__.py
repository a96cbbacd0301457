"""A workflow as it is stored after compiling, and a contact's way through it."""
