"""What has changed since a cursor: nothing missed, nothing twice, nothing that one may not see."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from werkzeug.serving import make_server

from bench.viewer import Viewer, faults, placed
from conversations.models import Message
from smsbot.actor import Role
from smsbot.events import Cursor, read_after
from smsbot.servers import free_port
from tests.dashboard.staff import PASSWORD, Browser, assign, at_work, hire
from tests.world import World
from wsgi import STAFF_POOL, application

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


def test_an_agent_hears_of_their_own_leads_and_of_nobodys(world: World) -> None:
    agent, colleague = at_work(world, "bob@example.test", Role.AGENT), hire(world, "carl@example.test", Role.AGENT)
    cursor = CURSOR.findall(agent.page("/"))[0]
    world.text("Hello")
    nobodys = changes(agent, cursor)
    cursor = str(nobodys["cursor"])
    assign(world, world.conversation(), colleague)
    world.text("Hello?")
    unseen = changes(agent, cursor)
    assign(world, world.conversation(), agent.agent_id)
    world.text("Hello again")

    assert nobodys["changed"] == [str(world.conversation().id)]
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


def test_what_changed_is_told_in_the_order_in_which_it_did(world: World, owner: Browser) -> None:
    cursor = CURSOR.findall(owner.page("/"))[0]
    texts = {"one": "+13125550171", "two": "+13125550172", "three": "+13125550173", "one more": "+13125550171"}
    for words, sender in texts.items():
        world.text(words, sender=sender)
    found = {message.body: str(message.conversation_id) for message in world.rows(Message)}

    assert changes(owner, cursor)["changed"] == [found["one"], found["two"], found["three"]]


@pytest.fixture
def shared(world: World) -> World:
    """A world whose open pages share one look for as long as a test lasts."""
    world.app = application(world.runtime, pace_s=600.0)
    return world


def live_page(browser: Browser, path: str, told: str) -> str:
    answer = browser.get(path, headers={"X-Live": told})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_page_that_is_told_of_a_text_never_gets_an_older_look(shared: World) -> None:
    watching = at_work(shared)
    cursor = CURSOR.findall(watching.page("/"))[0]
    quiet = live_page(watching, "/", cursor)
    shared.text("Here is the walrus")
    with shared.runtime.transaction(shared.home.id) as session:
        newest = read_after(session, Cursor())[-1]
    told = f"{newest.xid}.{newest.id}"

    assert "walrus" not in quiet
    assert "walrus" in live_page(watching, "/", told)


def test_what_one_may_not_see_is_not_shared(shared: World) -> None:
    boss = at_work(shared)
    agent = at_work(shared, "bob@example.test", Role.AGENT)
    cursor = CURSOR.findall(agent.page("/"))[0]
    shared.text("Here is the walrus")
    assign(shared, shared.conversation(), boss.agent_id)

    assert "walrus" in live_page(boss, "/", cursor)
    assert changes(boss, cursor)["changed"] == [str(shared.conversation().id)]
    assert "walrus" not in live_page(agent, "/", cursor)
    assert changes(agent, cursor)["changed"] == []


def test_what_is_shared_says_whose_it_is_to_each(shared: World) -> None:
    boss, manager = at_work(shared), at_work(shared, "meg@example.test", Role.MANAGER, name="Meg")
    shared.text("Hello")
    boss.get(f"/c/{shared.conversation().id}")
    assert boss.post(f"/c/{shared.conversation().id}/take-over").status_code == 303
    cursor = CURSOR.findall(boss.page("/"))[0]

    for browser, mine in ((boss, 1), (manager, 0)):
        shown = live_page(browser, "/", cursor)

        assert f'Mine <span class="tally">{mine}</span>' in shown
        assert "csrf_token" not in shown


@contextmanager
def staff_server(world: World, port: int) -> Iterator[None]:
    """The staff pool on a socket, with nothing left of the one before it."""
    server = make_server("127.0.0.1", port, application(world.runtime, [STAFF_POOL], pace_s=0.1), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_page_whose_server_was_away_is_told_of_each_text_once_and_in_order(world: World) -> None:
    hire(world)
    port, stop = free_port(), threading.Event()
    viewer = Viewer("127.0.0.1", port, poll_s=0.05)
    following = threading.Thread(target=viewer.follow, args=(stop,))
    try:
        with staff_server(world, port):
            viewer.sign_in("ann@example.test", PASSWORD)
            viewer.open("/")
            started = viewer.cursor
            following.start()
            for place in range(100):
                world.text("Hello", sender=f"+1312555{place:04d}")
        viewer.close()
        for place in range(100, 150):
            world.text("Hello", sender=f"+1312555{place:04d}")
        with staff_server(world, port):
            for place in range(150, 200):
                world.text("Hello", sender=f"+1312555{place:04d}")
            deadline = time.monotonic() + 10
            with world.runtime.transaction(world.home.id) as session:
                since = Cursor(*placed(started))
                events = read_after(session, since, 5000)
            last = (events[-1].xid, events[-1].id)
            while placed(viewer.cursor) < last and time.monotonic() < deadline:
                time.sleep(0.02)
    finally:
        stop.set()
        if following.ident is not None:
            following.join()

    rows = [(one.xid, one.id, one.conversation_id, one.kind) for one in events if one.conversation_id is not None]
    found = faults(started, viewer.told, rows)
    told = [one for _, changed in viewer.told for one in changed]
    assert (found.texts, found.missing, found.needless, found.disordered) == (200, 0, 0, 0)
    assert len(told) == len(set(told)) == 200
    assert viewer.failures > 0
