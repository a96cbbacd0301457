"""The demonstration: one shop, seven shoppers, thirty kinds of luck, on the real stack."""
