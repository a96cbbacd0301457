"""CloudFormation, as the command line asks it."""
