"""The trigger types, as a marketer writes them."""
