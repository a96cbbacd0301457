"""CloudFormation, as the command line uses it."""
