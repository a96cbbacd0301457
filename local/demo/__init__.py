"""The demo: one shop and seven shoppers on the real stack."""
