"""The carrier as the rest of the product sees it: what goes to it, what comes back, and what it may raise.

Twilio's library stays out of here, so that the web processes can know these names without paying for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from smsbot.settings import CARRIER_CONNECT_TIMEOUT_S, CARRIER_READ_TIMEOUT_S

TWILIO_API = "https://api.twilio.com"
TWILIO_LOOKUPS = "https://lookups.twilio.com"
LONGEST_CALL_S = CARRIER_CONNECT_TIMEOUT_S + CARRIER_READ_TIMEOUT_S  # a total, kept against a dripping server too
LARGEST_PAGE = 1000
LINE_TYPE_TIMEOUT_S = 3.0  # a total: somebody waits for the text that this is asked for


@dataclass(frozen=True, slots=True)
class CarrierCredentials:
    """One tenant's account. `base_url` is None for Twilio itself, else scheme://host:port of a stand-in."""

    account_sid: str
    auth_token: str = field(repr=False)
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One text. Numbers are E.164; `sender` or `messaging_service_sid` or both; `status_callback` names our message.

    `validity_period_s` is how long the carrier may queue it (1 to 36,000): a reply hours later is worse than none.
    """

    to: str = field(repr=False)
    body: str = field(repr=False)
    sender: str | None = field(repr=False)
    messaging_service_sid: str | None
    status_callback: str
    validity_period_s: int = 600


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier took the text. `segments` is None where it does not say yet (through a Messaging Service)."""

    provider_sid: str
    status: str
    segments: int | None


@dataclass(frozen=True, slots=True)
class CarrierMessage:
    """A message as the carrier lists it. `created_at` is aware, UTC, whole seconds; `from_` is None until a service
    has chosen a sender."""

    provider_sid: str
    direction: Literal["inbound", "outbound"]
    from_: str | None = field(repr=False)
    to: str | None = field(repr=False)
    body: str = field(repr=False)
    status: str
    error_code: int | None
    created_at: datetime
    messaging_service_sid: str | None


class SmsGateway(Protocol):
    """Whatever carries our texts. Missing credentials raise ConfigurationError; nobody else's are ever used."""

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        """Hand over one text, once. `not_after` (`time.monotonic()`) is compared directly before the socket write.

        Raises LeaseExpired and TemporarySendFailure (nothing was sent), RecipientOptedOut and PermanentSendFailure
        (refused), OutcomeUnknown (may have been sent). Returns or raises within `LONGEST_CALL_S`.
        """
        ...

    def messages_to(self, credentials: CarrierCredentials, number: str, limit: int = 50) -> list[CarrierMessage]:
        """The newest messages to `number`, either direction; a look-up that fails raises Temporary or Permanent."""
        ...

    def messages_received(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = LARGEST_PAGE
    ) -> list[CarrierMessage]:
        """Inbound messages to our `number` since `since`. As many as `limit` means that there may be older ones."""
        ...

    def messages_sent(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = LARGEST_PAGE
    ) -> list[CarrierMessage]:
        """What left from our `number` since `since`; one that has not left yet, or never did, may not be among them."""
        ...

    def fetch(self, credentials: CarrierCredentials, provider_sid: str) -> CarrierMessage | None:
        """One message, or None when the carrier does not have it."""
        ...

    def redact(self, credentials: CarrierCredentials, provider_sid: str) -> None:
        """Empty the body of one message at the carrier; may be repeated."""
        ...

    def line_type(
        self, credentials: CarrierCredentials, number: str, *, within_s: float = LINE_TYPE_TIMEOUT_S
    ) -> str | None:
        """The carrier's word for what kind of line `number` (E.164) is: mobile, landline, fixedVoip, nonFixedVoip …

        None when it has no word for it. A look-up that fails raises Temporary or Permanent, within `within_s` seconds.
        """
        ...
