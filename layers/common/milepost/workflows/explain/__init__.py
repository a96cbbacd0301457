"""A workflow in words, as a picture, and with its price."""
