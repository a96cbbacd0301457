"""A strict stand-in for Amazon SES v2: refuses what SES refuses, keeps mail, reports like SES.

It speaks SES's own wire API (`POST /v2/email/outbound-emails`, `GET /v2/email/account`), so the
functions send through boto3 with only `AWS_ENDPOINT_URL_SESV2` changed. Where SES's behavior is
undocumented the stand-in is stricter, and a comment beside the rule says so.
"""
