"""`manage.py credentials set|retire|shared-key`: carrier credentials, given on standard input, kept encrypted."""

from __future__ import annotations

from uuid import UUID

import click
from sqlalchemy import select

from commands.accounts import current_token, refuse_sharing, retire_previous, set_credential
from commands.composition import cipher_of, open_runtime, tenant_named
from commands.options import ACCOUNT, say, secret_flag, tenant_option, token_from_stdin, warn_of
from smsbot.errors import Conflict
from smsbot.tenancy import CredentialKind, Number


@click.group
def command() -> None:
    """Set or retire a tenant's carrier credentials."""


@command.command("set")
@tenant_option
@click.option("--account-sid", type=ACCOUNT, required=True, help="The carrier account.")
@secret_flag("auth-token", "the account's auth token")
def set_token(tenant_id: UUID, account_sid: str, from_stdin: bool) -> None:
    """Send with this auth token from now on.

    Webhooks that the old token signed are still taken, until `credentials retire`.
    """
    token = token_from_stdin("auth token")
    with open_runtime() as runtime:
        tenant = tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            numbers = session.scalars(select(Number.number).where(Number.tenant_id == tenant_id)).all()
        refuse_sharing(runtime, tenant_id, numbers=numbers, accounts=[account_sid])
        with runtime.transaction(tenant_id) as session:
            changed = set_credential(
                session,
                cipher_of(runtime, tenant),
                account_sid=account_sid,
                secret=token,
                kind=CredentialKind.AUTH_TOKEN,
            )
    warn_of(token)
    say({"tenant_id": tenant_id, "account_sid": account_sid, "changed": changed})


@command.command("retire")
@tenant_option
def retire(tenant_id: UUID) -> None:
    """Take webhooks signed with previous tokens and keys no longer, and forget those."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            retired = retire_previous(session)
    say({"tenant_id": tenant_id, "retired": retired})


@command.command("shared-key")
@tenant_option
@secret_flag("key", "the shared webhook key")
def shared_key(tenant_id: UUID, from_stdin: bool) -> None:
    """Take webhooks of the tenant's account that are signed with a shared key (HMAC-SHA256) too."""
    key = token_from_stdin("shared key")
    with open_runtime() as runtime:
        tenant = tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            current = current_token(session, cipher_of(runtime, tenant))
            if current is None:
                raise Conflict("this tenant has no carrier account: use credentials set first")
            changed = set_credential(
                session,
                cipher_of(runtime, tenant),
                account_sid=current[0],
                secret=key,
                kind=CredentialKind.SHARED_KEY,
            )
    say({"tenant_id": tenant_id, "account_sid": current[0], "changed": changed})
