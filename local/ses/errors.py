"""What SES answers when it refuses: a status, a type in a header, a sentence in JSON."""


class SesError(Exception):
    """A refusal; `kind` is the name of SES's exception and goes into `x-amzn-errortype`."""

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
    """The request is sound and the message is not one that SES will send."""

    kind = "MessageRejected"


class MailFromDomainNotVerified(SesError):
    """The identity insists on its MAIL FROM domain, and that is not verified."""

    kind = "MailFromDomainNotVerifiedException"


class SendingPaused(SesError):
    """Sending is switched off for the account or the configuration set."""

    kind = "SendingPausedException"


class NotFound(SesError):
    """The request names something that does not exist."""

    kind = "NotFoundException"
    status = 404


class TooManyRequests(SesError):
    """The account's sending rate or daily quota is used up."""

    kind = "TooManyRequestsException"
    status = 429
