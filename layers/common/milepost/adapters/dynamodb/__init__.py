"""State in DynamoDB. The keys are in `keys.py`; each other module implements one port."""
