"""The send ledger, send slots and reputation in DynamoDB."""
