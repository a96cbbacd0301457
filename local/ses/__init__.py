"""A strict stand-in for Amazon SES v2: refuses what SES refuses, keeps mail, reports as SES does.

The wire API is SES's own (`POST /v2/email/outbound-emails`, `GET /v2/email/account`), so that the
functions send through boto3 with nothing changed but `AWS_ENDPOINT_URL_SESV2`. Where SES's conduct
is not documented the stand-in is the stricter one, and the comment beside the rule says so.
"""
