"""SES's errors: a status, a type in a header, and a JSON body with a message."""


class SesError(Exception):
    """A refusal; `kind` is the name of SES's exception, sent in `x-amzn-errortype`."""

    kind = "BadRequestException"
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(SesError):
    """The request breaks a rule of the API."""


class Unreadable(SesError):
    """The request is not the JSON document that the API's model describes."""

    kind = "SerializationException"


class MessageRejected(SesError):
    """The request is valid, but SES would not send the message."""

    kind = "MessageRejected"


class MailFromDomainNotVerified(SesError):
    """The identity requires its MAIL FROM domain, which is not verified."""

    kind = "MailFromDomainNotVerifiedException"


class SendingPaused(SesError):
    """Sending is disabled for the account or the configuration set."""

    kind = "SendingPausedException"


class NotFound(SesError):
    """The request names something that does not exist."""

    kind = "NotFoundException"
    status = 404


class TooManyRequests(SesError):
    """The account's sending rate or daily quota is used up."""

    kind = "TooManyRequestsException"
    status = 429
