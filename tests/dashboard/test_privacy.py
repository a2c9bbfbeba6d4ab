"""What staff do for somebody's privacy: who may, the link, the limit, the request, the erasure."""

from __future__ import annotations

import html
import re

import pytest

from consent.ledger import state_of
from consent.models import Contact
from conversations.models import Task
from privacy.links import read
from privacy.requests import Ask
from smsbot.actor import Role
from smsbot.tenancy import Link
from tests.dashboard.staff import Browser, at_work
from tests.world import LEAD, World

MAY = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)


def path(world: World, what: str = "") -> str:
    return f"/c/{world.conversation().id}{what}"


@pytest.fixture
def asked(world: World) -> World:
    """A lead has written and got an answer."""
    world.text("Is it still there?")
    world.drain()
    return world


@pytest.mark.parametrize("role", list(Role))
def test_owners_managers_and_compliance_decide_and_agents_do_not(role: Role, asked: World) -> None:
    browser = at_work(asked, role=role)
    answers = [browser.get(path(asked, what)).status_code for what in ("/privacy", "/erase")]
    linked = "/privacy" in browser.page(path(asked))
    posted = [browser.post(path(asked, "/privacy"), {"act": "restrict"}).status_code]
    posted.append(browser.post(path(asked, "/erase"), {"sure": "yes"}).status_code)

    assert answers == ([200, 200] if role in MAY else [404, 404])
    assert linked is (role in MAY)
    assert posted == ([303, 200] if role in MAY else [404, 404])
    assert [contact.address == LEAD for contact in asked.rows(Contact)] == [role not in MAY]


def test_a_link_is_shown_once(asked: World, owner: Browser) -> None:
    owner.get(path(asked, "/privacy"))

    page = html.unescape(owner.post(path(asked, "/privacy"), {"act": "link"}).get_data(as_text=True))

    (token,) = re.findall(r">https://sms\.example\.test/l/([A-Za-z0-9_-]{43})<", page)
    assert read(asked.runtime, token) is not None
    assert 'data-copy="link" hidden' in page  # a script shows the button where it can copy
    assert token not in owner.page(path(asked, "/privacy"))
    assert len(asked.rows(Link)) == 1


def test_restricting_shows_and_keeps_staff_from_writing(asked: World, owner: Browser) -> None:
    owner.get(path(asked, "/privacy"))
    owner.post(path(asked, "/privacy"), {"act": "restrict"})
    page = owner.page(path(asked))
    refused = owner.post(path(asked, "/messages"), {"body": "Hello", "purpose": "reply"})

    owner.get(path(asked, "/privacy"))
    owner.post(path(asked, "/privacy"), {"act": "unrestrict"})

    assert "Restricted" in page
    assert "Texting is disabled" in page
    assert refused.status_code in (409, 422)
    assert state_of(asked.contact()).restricted is None
    assert len(asked.carrier.accepted) == 1


@pytest.mark.parametrize("what", list(Ask))
def test_a_request_becomes_a_task(what: Ask, asked: World, owner: Browser) -> None:
    owner.get(path(asked, "/privacy"))

    owner.post(path(asked, "/privacy"), {"act": what.value})

    assert [task.kind for task in asked.rows(Task)] == [what.value]
    assert "Asked" in owner.page("/tasks")


def test_erasing_needs_the_tick_and_leaves_no_conversation(asked: World, owner: Browser) -> None:
    gone = path(asked)
    owner.get(f"{gone}/erase")
    refused = owner.post(f"{gone}/erase", {})
    still = asked.contact().address

    done = owner.post(f"{gone}/erase", {"sure": "yes"})
    inbox = owner.page("/?queue=all")

    assert (refused.status_code, still) == (422, LEAD)
    assert (done.status_code, "Erased" in done.get_data(as_text=True)) == (200, True)
    assert "erased:" not in inbox
    assert owner.get(gone).status_code == 404
