"""Carrier accounts: which tenants could own a webhook, and whose credentials a send uses. No fall-back exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from smsbot.crypto import DataCipher
from smsbot.database import TenantSession
from smsbot.gateways.carrier import CarrierCredentials
from smsbot.runtime import Runtime
from smsbot.signatures import Algorithm, SigningKey
from smsbot.tenancy import Credential, CredentialKind, CredentialState, OptOutHandling, SenderType, Tenant


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
    in the same account does not shadow the first: whoever's key verifies the signature wins.
    """
    with runtime.transaction(None) as session:
        rows = session.execute(
            text("SELECT * FROM tenants_by_carrier(:account, :address, :service)"),
            {"account": account_sid, "address": address, "service": service_sid},
        ).all()
    recipients: dict[UUID, Recipient] = {}
    keys: dict[UUID, dict[UUID, SigningKey]] = {}
    for row in rows:
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
        secret = credential_secret(runtime.cipher(row.data_key), row.tenant_id, row.credential_id, row.secret)
        keys.setdefault(row.tenant_id, {})[row.credential_id] = SigningKey(secret, algorithm)
    return [Candidate(recipient, tuple(keys[tenant].values())) for tenant, recipient in recipients.items()]


def credential_secret(cipher: DataCipher, tenant_id: UUID, credential_id: UUID, secret: bytes) -> str:
    return cipher.decrypt_text(secret, tenant_id=tenant_id, table="credentials", column="secret", row=credential_id)


def carrier_credentials(runtime: Runtime, session: TenantSession, tenant: Tenant) -> CarrierCredentials | None:
    """The tenant's own current account, or None: then nothing is sent, and nobody else's account pays or signs."""
    credential = session.scalars(
        select(Credential)
        .where(
            Credential.tenant_id == tenant.id,
            Credential.kind == CredentialKind.AUTH_TOKEN,
            Credential.state == CredentialState.CURRENT,
        )
        .order_by(Credential.created_at.desc())
        .limit(1)
    ).first()
    if credential is None:
        return None
    secret = credential_secret(runtime.cipher(tenant.data_key), tenant.id, credential.id, credential.secret)
    base_url = runtime.settings.twilio_api_url
    if tenant.demo and not runtime.settings.production:
        base_url = base_url or runtime.settings.simulator_url
    return CarrierCredentials(credential.account_sid, secret, base_url)


def tenant_of(session: Session, tenant_id: UUID) -> Tenant:
    """The tenant's row; it exists as long as anything of it is due."""
    return session.scalars(select(Tenant).where(Tenant.id == tenant_id)).one()
