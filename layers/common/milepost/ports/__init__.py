"""What the services need from the world: small Protocols, named for the need.

Whoever needs one for an annotation alone imports it for the type checker alone: a function need not
load it, and adapters implement it without being told so.
"""
