"""Carrier accounts: which tenants could own a webhook, and whose credentials a send uses. No fall-back exists."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.orm import Session

from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import TenantSession, look_up
from smsbot.gateways.carrier import CarrierCredentials
from smsbot.logs import log_event
from smsbot.runtime import Runtime
from smsbot.signatures import Algorithm, SigningKey
from smsbot.tenancy import Credential, CredentialKind, CredentialState, OptOutHandling, SenderType, Tenant
from smsbot.together import Together
from smsbot.writes import fetch, prepared

logger = logging.getLogger(__name__)

MOST_TOGETHER = 1_000  # threads
_Asked = tuple[str, str, str | None]

BY_CARRIER = "SELECT * FROM tenants_by_carrier($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Recipient:
    """The tenant and number that a webhook is for."""

    tenant_id: UUID
    number_id: UUID
    number: str = field(repr=False)
    sender_type: SenderType
    opt_out_handling: OptOutHandling
    brand: str
    zone: str
    languages: tuple[str, ...]
    extra_opt_out_words: tuple[str, ...]
    data_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tenant that knows this account and address, with the keys that its webhooks may be signed with."""

    recipient: Recipient
    keys: tuple[SigningKey, ...]


def candidates(runtime: Runtime, account_sid: str, address: str, service_sid: str | None) -> list[Candidate]:
    """Every tenant that knows `account_sid` together with our `address` or the Messaging Service.

    A number in a service's pool is found by either, so that pool traffic is never refused; a second tenant that typed
    in the same account does not shadow the first: whoever's key verifies the signature wins. A tenant whose keys cannot
    be read any more is passed over; raises DecryptionFailed when no other is left, so that the carrier comes again.
    """
    rows = look_up(runtime.engine, BY_CARRIER, (account_sid, address, service_sid))
    recipients: dict[UUID, Recipient] = {}
    keys: dict[UUID, dict[UUID, SigningKey]] = {}
    unreadable: DecryptionFailed | None = None
    for row in rows:
        try:
            secret = credential_secret(runtime.cipher(row.data_key), row.tenant_id, row.credential_id, row.secret)
        except DecryptionFailed as error:
            log_event(logger, "credential.unreadable", level=logging.ERROR, tenant_id=row.tenant_id, why=str(error))
            unreadable = error
            continue
        # Rows come with the exact number first, so that a pool's other numbers do not win over it.
        recipients.setdefault(
            row.tenant_id,
            Recipient(
                row.tenant_id,
                row.number_id,
                row.number,
                SenderType(row.sender_type),
                OptOutHandling(row.opt_out_handling),
                row.brand,
                row.zone,
                tuple(row.languages),
                tuple(row.extra_opt_out_words),
                row.data_key,
            ),
        )
        algorithm: Algorithm = "HMAC_SHA256" if row.kind == CredentialKind.SHARED_KEY else "HMAC_SHA1"
        keys.setdefault(row.tenant_id, {})[row.credential_id] = SigningKey(secret, algorithm)
    if unreadable is not None and not recipients:
        raise unreadable
    return [Candidate(recipient, tuple(keys[tenant].values())) for tenant, recipient in recipients.items()]


class SharedLookUps:
    """`candidates` for threads that may ask at once: who waits for the same look-up shares the next one.

    Nothing is remembered: each look-up begins after everybody whom it answers has asked.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._together = Together[_Asked, list[Candidate]](self._looked_up, most=MOST_TOGETHER)

    def candidates(self, account_sid: str, address: str, service_sid: str | None) -> list[Candidate]:
        asked = (account_sid, address, service_sid)
        return self._together.ask(asked, asked)

    def _looked_up(self, _: Hashable, asked: Sequence[_Asked]) -> list[list[Candidate]]:
        return [candidates(self._runtime, *asked[0])] * len(asked)


def credential_secret(cipher: DataCipher, tenant_id: UUID, credential_id: UUID, secret: bytes) -> str:
    return cipher.decrypt_text(secret, tenant_id=tenant_id, table="credentials", column="secret", row=credential_id)


CURRENT_CREDENTIAL = prepared(
    select(Credential.id, Credential.account_sid, Credential.secret)
    .where(
        Credential.tenant_id == bindparam("tenant_id"),
        Credential.kind == literal_column(f"'{CredentialKind.AUTH_TOKEN.value}'"),
        Credential.state == literal_column(f"'{CredentialState.CURRENT.value}'"),
    )
    .order_by(Credential.created_at.desc())
    .limit(literal_column("1"))
)


def carrier_credentials(runtime: Runtime, session: TenantSession, tenant: Tenant) -> CarrierCredentials | None:
    """The tenant's own current account, or None: then nothing is sent, and nobody else's account pays or signs."""
    (current,) = fetch(session, CURRENT_CREDENTIAL(tenant_id=tenant.id))
    return credentials_in(runtime, tenant, current)


def credentials_in(runtime: Runtime, tenant: Tenant, current: Sequence[tuple[Any, ...]]) -> CarrierCredentials | None:
    """The same from the rows of CURRENT_CREDENTIAL, read together with others."""
    if not current:
        return None
    credential_id, account_sid, encrypted = current[0]
    secret = credential_secret(runtime.cipher(tenant.data_key), tenant.id, credential_id, encrypted)
    base_url = runtime.settings.twilio_api_url
    if tenant.demo:
        base_url = base_url or runtime.settings.simulator_url
        if base_url is None or runtime.settings.production:
            return None  # a demo's made-up account must never call the real carrier
    return CarrierCredentials(account_sid, secret, base_url)


def tenant_of(session: Session, tenant_id: UUID) -> Tenant:
    """The tenant's row; it exists as long as anything of it is due."""
    return session.get_one(Tenant, tenant_id)
