"""Carrier credentials as the command line and the demo write them: encrypted, one current per tenant and kind."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID, uuid4

from sqlalchemy import select, update

from commands.composition import tenants
from smsbot.accounts import credential_secret
from smsbot.crypto import DataCipher
from smsbot.database import TenantSession
from smsbot.errors import Conflict
from smsbot.runtime import Runtime
from smsbot.tenancy import Credential, CredentialKind, CredentialState, Number

CHANGE_IT = "change it with tenant set, number set or credentials set"
VALID = (CredentialState.CURRENT, CredentialState.PREVIOUS)


def set_credential(
    session: TenantSession, cipher: DataCipher, *, account_sid: str, secret: str, kind: CredentialKind
) -> bool:
    """Make `secret` the current one; the current ones so far become previous and still verify webhooks.

    False when it was the current one already: then nothing changes, so that a repeat retires nothing.
    """
    tenant_id = session.tenant_id
    now_current = session.scalars(
        select(Credential).where(
            Credential.tenant_id == tenant_id,
            Credential.kind == kind,
            Credential.state == CredentialState.CURRENT,
        )
    ).all()
    for one in now_current:
        if one.account_sid == account_sid and credential_secret(cipher, tenant_id, one.id, one.secret) == secret:
            return False
    for one in now_current:
        one.state = CredentialState.PREVIOUS
    session.flush()  # before the insert: one current row per account and kind
    credential_id = uuid4()
    session.add(
        Credential(
            id=credential_id,
            tenant_id=tenant_id,
            account_sid=account_sid,
            kind=kind,
            state=CredentialState.CURRENT,
            secret=cipher.encrypt_text(
                secret, tenant_id=tenant_id, table="credentials", column="secret", row=credential_id
            ),
        )
    )
    session.flush()
    return True


def retire_previous(session: TenantSession) -> int:
    """End every previous credential and forget its secret. Returns how many."""
    retired = session.execute(
        update(Credential)
        .where(Credential.tenant_id == session.tenant_id, Credential.state == CredentialState.PREVIOUS)
        .values(state=CredentialState.RETIRED, secret=b"")
        .returning(Credential.id)
    ).all()
    return len(retired)


def current_token(session: TenantSession, cipher: DataCipher) -> tuple[str, str] | None:
    """(AccountSid, auth token) that this tenant sends with; None when there are none. Raises DecryptionFailed."""
    credential = session.scalars(
        select(Credential)
        .where(
            Credential.tenant_id == session.tenant_id,
            Credential.kind == CredentialKind.AUTH_TOKEN,
            Credential.state == CredentialState.CURRENT,
        )
        .order_by(Credential.created_at.desc())
        .limit(1)
    ).first()
    if credential is None:
        return None
    return credential.account_sid, credential_secret(cipher, session.tenant_id, credential.id, credential.secret)


def accounts_of(session: TenantSession) -> set[str]:
    """The AccountSids whose signatures count for this tenant."""
    return set(
        session.scalars(
            select(Credential.account_sid).where(Credential.tenant_id == session.tenant_id, Credential.state.in_(VALID))
        )
    )


def set_up_of(number: Number) -> dict[str, str | None]:
    """What is set of a number, in the words of `number set`."""
    return {
        "number": number.number,
        "sender": number.sender_type.value,
        "opt_out": number.opt_out_handling.value,
        "messaging_service_sid": number.messaging_service_sid,
    }


def refuse_sharing(
    runtime: Runtime,
    tenant_id: UUID | None,
    *,
    numbers: Collection[str] = (),
    services: Collection[str] = (),
    accounts: Collection[str] = (),
) -> None:
    """Conflict when another tenant has one of these Messaging Services, or one of these numbers in the same account.

    C-072: one Messaging Service per tenant, since it is what a registration and the carrier's opt-outs belong to. A
    number in another account is let through: it may be on its way from one to the other, and the signature decides.
    """
    for other in tenants(runtime):
        if other.id == tenant_id:
            continue
        with runtime.transaction(other.id) as session:
            theirs = session.execute(
                select(Number.number, Number.messaging_service_sid).where(Number.tenant_id == other.id)
            ).all()
            shares_account = bool(accounts_of(session) & set(accounts))
        for number, service in theirs:
            if service is not None and service in services:
                raise Conflict(f"the Messaging Service {service} belongs to another tenant, {other.id} ({other.name})")
            if shares_account and number in numbers:
                owner = f"{other.id} ({other.name})"
                if tenant_id is None:
                    raise Conflict(f"there is a tenant with {number} of this account already, {owner}: {CHANGE_IT}")
                raise Conflict(f"the number {number} of this account belongs to another tenant, {owner}")
