"""Milepost: lifecycle e-mail for online shops, in the shop's own AWS account."""

__version__ = "0.1.0"
