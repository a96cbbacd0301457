"""The whole world in memory: every port, with the promises of the AWS adapters and none of AWS."""
