"""What must be true for a stack to send mail: pure checks over what was found out about it."""
