"""The one tree of errors that the product raises on purpose.

A gateway translates its provider's errors into these once; they are caught where someone can act on them.
A message says what to do, and holds no body, number or secret.
"""

from __future__ import annotations


class SmsbotError(Exception):
    """Everything that is ours."""


class ConfigurationError(SmsbotError):
    """A setting is missing or wrong; the message names it and says what to set."""


class InvalidInput(SmsbotError):
    """A caller sent something that cannot be taken. `field` names what, for a 422 or exit code 2."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotFound(SmsbotError):
    """There is no such thing for this tenant; another tenant's is no different from none."""


class Conflict(SmsbotError):
    """The request contradicts what is stored, such as an idempotency key with another body."""


class LeaseLost(SmsbotError):
    """Somebody else owns the row now: write nothing."""


class SendFailed(SmsbotError):
    """A text did not leave, or may not have. `code` is the carrier's error code or None."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class TemporarySendFailure(SendFailed):
    """Never processed by the carrier (429, refused connection): safe to try again after `retry_after_s`."""

    def __init__(self, message: str, code: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, code)
        self.retry_after_s = retry_after_s


class PermanentSendFailure(SendFailed):
    """Refused for good: the same text to the same number would be refused again."""


class RecipientOptedOut(PermanentSendFailure):
    """The carrier blocks this person for this sender (21610)."""


class OutcomeUnknown(SendFailed):
    """The text may have been accepted (5xx, timeout, dropped line): look it up, never repeat it blindly."""


class LeaseExpired(SendFailed):
    """The lease on the contact ended before the carrier was called: nothing was sent."""


class ModelFailed(SmsbotError):
    """The model gave no usable answer within its budget; `kind` is one of timeout, unavailable, throttled, refused, malformed."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
