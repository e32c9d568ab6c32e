"""What can go wrong, as one tree: a class for each code of the API's problems, and two for what is no answer at all."""

from collections.abc import Mapping
from typing import Any, Final


class LamplightError(Exception):
    """Everything that this package raises."""


class InsecureAddressError(LamplightError):
    """A key would be sent to another machine without encryption."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"{url} is not https, and the key would be readable on the way. Use https.")


class ConnectionFailedError(LamplightError):
    """No answer came, also not when asked again."""


class UnexpectedAnswerError(LamplightError):
    """An answer is none that the API gives: something else listens there, or it is of another version.

    status: its HTTP status, None where that does not matter.
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(text)


class ProblemError(LamplightError):
    """The API told of a problem (RFC 9457).

    code: never changes its meaning. detail: what happened and what to do. type: a page that says more. errors: by
    parameter, of `invalid_parameter`. request_id: what the operator needs to look it up. retry_after_s: when to try
    again, where the service says so.
    """

    def __init__(
        self, *, body: Mapping[str, Any], status: int, request_id: str | None, retry_after_s: float | None
    ) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.type = str(body.get("type", ""))
        self.errors = {str(each["parameter"]): str(each["detail"]) for each in body.get("errors", ())}
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.detail or self.title} ({self.code}, {self.type})")


class MalformedError(ProblemError):
    """`malformed`: the request can't be read."""


class InvalidParameterError(ProblemError):
    """`invalid_parameter`: `errors` says which, and what is wrong with it."""


class InvalidCursorError(ProblemError):
    """`invalid_cursor`: the list did not give it."""


class SignInNeededError(ProblemError):
    """`sign_in_needed`: give the client a key."""


class KeyRefusedError(ProblemError):
    """`key_refused`: the key is unknown, revoked or expired, or may not be used from here."""


class NotAllowedError(ProblemError):
    """`not_allowed`: it is for others."""


class ScopeMissingError(ProblemError):
    """`scope_missing`: you may, but this key may not."""


class SecondFactorNeededError(ProblemError):
    """`second_factor_needed`: your role does nothing without one."""


class ForgerySuspectedError(ProblemError):
    """`forgery_suspected`: a session's request without the token of the pages."""


class NotFoundError(ProblemError):
    """`not_found`: there is no such thing, or nothing is known of it yet."""


class MethodNotAllowedError(ProblemError):
    """`method_not_allowed`: the service is of another version than this client."""


class NotAcceptableError(ProblemError):
    """`not_acceptable`: the route is no table."""


class NotAvailableError(ProblemError):
    """`not_available`: it can't be worked out at the moment."""


class RefusedError(ProblemError):
    """`refused`: a rule of the service stands against it."""


class UnsupportedMediaTypeError(ProblemError):
    """`unsupported_media_type`: the content has an unknown form."""


class TooManyRequestsError(ProblemError):
    """`too_many_requests`: wait `retry_after_s`; it is longer than the client waits by itself."""


class FailedError(ProblemError):
    """`failed`: the service's fault; tell the operator `request_id`."""


BY_CODE: Final[Mapping[str, type[ProblemError]]] = {
    "malformed": MalformedError,
    "invalid_parameter": InvalidParameterError,
    "invalid_cursor": InvalidCursorError,
    "sign_in_needed": SignInNeededError,
    "key_refused": KeyRefusedError,
    "not_allowed": NotAllowedError,
    "scope_missing": ScopeMissingError,
    "second_factor_needed": SecondFactorNeededError,
    "forgery_suspected": ForgerySuspectedError,
    "not_found": NotFoundError,
    "method_not_allowed": MethodNotAllowedError,
    "not_acceptable": NotAcceptableError,
    "not_available": NotAvailableError,
    "refused": RefusedError,
    "unsupported_media_type": UnsupportedMediaTypeError,
    "too_many_requests": TooManyRequestsError,
    "failed": FailedError,
}
