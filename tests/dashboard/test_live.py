"""What has changed since a cursor: nothing missed, nothing twice, nothing that one may not see."""

from __future__ import annotations

import re

from smsbot.actor import Role
from tests.dashboard.staff import Browser, assign, at_work
from tests.world import World

CURSOR = re.compile(r'data-cursor="([^"]+)"')


def changes(browser: Browser, cursor: str) -> dict[str, object]:
    answer = browser.get(f"/live?cursor={cursor}", headers={"X-Live": "1"})
    assert answer.status_code == 200
    return dict(answer.json)


def test_a_page_hears_of_what_came_after_it_once(world: World, owner: Browser) -> None:
    world.text("Hello")
    page = owner.page("/")
    cursor = CURSOR.findall(page)[0]
    quiet = changes(owner, cursor)
    world.text("Are you there?")
    news = changes(owner, cursor)
    again = changes(owner, str(news["cursor"]))

    assert quiet["changed"] == []
    assert news["changed"] == [str(world.conversation().id)]
    assert again["changed"] == []


def test_an_agent_hears_of_their_own_leads_only(world: World) -> None:
    agent = at_work(world, "bob@example.test", Role.AGENT)
    cursor = CURSOR.findall(agent.page("/"))[0]
    world.text("Hello")
    unseen = changes(agent, cursor)
    assign(world, world.conversation(), agent.agent_id)
    world.text("Hello again")

    assert unseen["changed"] == [] and unseen["floor"] is False
    assert unseen["cursor"] != cursor
    assert changes(agent, str(unseen["cursor"]))["changed"] == [str(world.conversation().id)]


def test_a_cursor_that_is_none_of_ours_begins_anew(world: World, owner: Browser) -> None:
    world.text("Hello")
    for cursor in ("", "x", "1.2", "9" * 30, "-1.00000000-0000-0000-0000-000000000000"):
        answer = changes(owner, cursor)

        assert (answer["changed"], answer["floor"]) == ([], True)
        assert changes(owner, str(answer["cursor"]))["changed"] == []


def test_nothing_of_a_text_is_in_what_has_changed(world: World, owner: Browser) -> None:
    cursor = CURSOR.findall(owner.page("/"))[0]
    world.text("purple walrus")
    answer = owner.get(f"/live?cursor={cursor}").get_data(as_text=True)

    assert "walrus" not in answer and "555" not in re.sub(r"[0-9a-f-]{36}", "", answer)
