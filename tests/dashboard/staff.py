"""A member of staff at a browser, as tests use one: signed in through the form, with the cookies that a browser keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import select
from werkzeug.test import Client, TestResponse

from conversations.models import Conversation, Lead
from smsbot.actor import Role
from smsbot.passwords import hash_password
from smsbot.tenancy import Agent, Login
from tests.world import PUBLIC_URL, Business, World

PASSWORD = "seven herons on a quay"
HASH = hash_password(PASSWORD)  # made once: it is slow on purpose
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
SESSION = "__Host-session"


@dataclass
class Browser:
    """Follows no redirect by itself. `post` sends the token of the page that was seen last."""

    world: World
    client: Client = field(repr=False)
    agent_id: UUID | None = None
    token: str = field(default="", repr=False)

    def get(self, path: str, **kwargs: object) -> TestResponse:
        answer = self.client.get(path, base_url=PUBLIC_URL, **kwargs)
        found = TOKEN.search(answer.get_data(as_text=True))
        self.token = found[1] if found else self.token
        return answer

    def post(self, path: str, form: dict[str, str] | None = None, **kwargs: object) -> TestResponse:
        pairs = {"csrf_token": self.token, **(form or {})}
        answer = self.client.post(path, data=pairs, base_url=PUBLIC_URL, **kwargs)
        found = TOKEN.search(answer.get_data(as_text=True))
        self.token = found[1] if found else self.token
        return answer

    def sign_in(self, email: str, password: str = PASSWORD, **kwargs: object) -> TestResponse:
        self.get("/login")
        return self.post("/login", {"email": email, "password": password}, **kwargs)

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.status
        return answer.get_data(as_text=True)

    def cookie(self, name: str = SESSION) -> str | None:
        kept = self.client.get_cookie(name, domain="sms.example.test")
        return None if kept is None else kept.value


def a_browser(world: World) -> Browser:
    return Browser(world, world.app.test_client())


def hire(
    world: World,
    email: str = "ann@example.test",
    role: Role = Role.OWNER,
    *,
    of: Business | None = None,
    name: str = "",
) -> UUID:
    """A member of staff with the usual password; a login that is there already gets one more tenant."""
    business, agent_id = of or world.home, uuid4()
    with world.runtime.transaction(business.id) as session:
        login = session.scalars(select(Login).where(Login.email == email)).first()
        if login is None:
            login = Login(id=uuid4(), email=email, password_hash=HASH)
            session.add(login)
            session.flush()
        shown = name or email.partition("@")[0].title()
        session.add(Agent(id=agent_id, tenant_id=business.id, login_id=login.id, name=shown, role=role))
    return agent_id


def at_work(
    world: World,
    email: str = "ann@example.test",
    role: Role = Role.OWNER,
    *,
    of: Business | None = None,
    name: str = "",
) -> Browser:
    """A browser in which somebody has just signed in."""
    browser = a_browser(world)
    browser.agent_id = hire(world, email, role, of=of, name=name)
    answer = browser.sign_in(email)
    assert answer.status_code == 303, answer.status
    return browser


def assign(world: World, conversation: Conversation, agent_id: UUID | None) -> None:
    with world.runtime.transaction(conversation.tenant_id) as session:
        session.get_one(Lead, conversation.lead_id).assigned_to = agent_id
