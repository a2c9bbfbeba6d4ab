"""Staff and their logins, as the command line and the demo make them."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import func, select

from smsbot.actor import Role
from smsbot.database import TenantSession
from smsbot.errors import Conflict
from smsbot.passwords import hash_password, password_matches
from smsbot.tenancy import Agent, Login


def add_agent(session: TenantSession, *, email: str, name: str, role: Role, password: str) -> UUID:
    """A member of staff of the session's tenant, with a login. Returns the agent's id.

    Who has a login already (of another tenant, say) keeps it, and must give its password: Conflict otherwise, and for
    somebody who is staff here already. Raises InvalidInput for a password that is not taken.
    """
    email = email.lower()
    login = session.scalars(select(Login).where(func.lower(Login.email) == email)).first()
    if login is None:
        login = Login(id=uuid4(), email=email, password_hash=hash_password(password))
        session.add(login)
        session.flush()
    elif not password_matches(password, login.password_hash):
        raise Conflict("this e-mail address has a login already, with another password")
    known = session.scalars(
        select(Agent).where(Agent.tenant_id == session.tenant_id, Agent.login_id == login.id)
    ).first()
    if known is not None:
        raise Conflict("this e-mail address is staff of this tenant already")
    agent = Agent(id=uuid4(), tenant_id=session.tenant_id, login_id=login.id, name=name, role=role)
    session.add(agent)
    session.flush()
    return agent.id
