"""The only code that knows AWS and the shops: everything here implements a port."""
