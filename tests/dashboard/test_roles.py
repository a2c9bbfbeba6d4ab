"""Every route, for every role, about what is one's own, a colleague's and another tenant's; a new route needs its line."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from conversations import staff as acts
from conversations.models import Alert, Conversation, Lead, Task
from smsbot.actor import Actor, ActorKind, Role
from smsbot.errors import NotFound
from smsbot.events import Event
from tests.dashboard.staff import Browser, assign, at_work, hire
from tests.world import Business, World

MINE, COLLEAGUES, UNASSIGNED, FOREIGN = "mine", "colleague's", "unassigned", "foreign"
LEADS = {MINE: "+13125550121", COLLEAGUES: "+13125550122", UNASSIGNED: "+13125550123", FOREIGN: "+13125550124"}
WORDS = {MINE: "amber otter", COLLEAGUES: "cobalt finch", UNASSIGNED: "silver newt", FOREIGN: "purple walrus"}
WANTS = "Can I talk to a real person please"
EVERYTHING = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)

# What a route is about: an object by its id, or lists in which only what one may see stands, or no lead at all.
ABOUT: dict[tuple[str, str], str] = {
    ("GET", "/"): "list",
    ("GET", "/tasks"): "list",
    ("GET", "/alerts"): "list",
    ("GET", "/live"): "list",
    ("GET", "/c/<uuid:conversation_id>"): "conversation",
    ("GET", "/c/<uuid:conversation_id>/opt-out"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/messages"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/take-over"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/give-back"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/assign"): "assignment",
    ("POST", "/c/<uuid:conversation_id>/opt-out"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/hold"): "conversation",
    ("GET", "/c/<uuid:conversation_id>/consent"): "conversation",
    ("POST", "/c/<uuid:conversation_id>/consent"): "conversation",
    ("GET", "/c/<uuid:conversation_id>/privacy"): "privacy",  # tests/dashboard/test_privacy.py
    ("POST", "/c/<uuid:conversation_id>/privacy"): "privacy",
    ("GET", "/c/<uuid:conversation_id>/erase"): "privacy",
    ("POST", "/c/<uuid:conversation_id>/erase"): "privacy",
    ("GET", "/imports"): "import",  # owners and managers: tests/dashboard/test_imports.py
    ("POST", "/imports"): "import",
    ("GET", "/imports/<uuid:import_id>"): "import",
    ("GET", "/imports/<uuid:import_id>/errors.csv"): "import",
    ("POST", "/imports/<uuid:import_id>/columns"): "import",
    ("POST", "/imports/<uuid:import_id>/start"): "import",
    ("POST", "/imports/<uuid:import_id>/discard"): "import",
    ("POST", "/tasks/<uuid:task_id>/done"): "task",
    ("POST", "/alerts/<uuid:alert_id>/seen"): "alert",
    ("GET", "/rules"): "rules",  # tests/dashboard/test_sending_rules.py
    ("POST", "/rules"): "rules",
    ("POST", "/rules/keywords"): "rules",
    ("POST", "/rules/keywords/drop"): "rules",
    ("GET", "/forms"): "form",
    ("GET", "/forms/new"): "form",
    ("POST", "/forms/new"): "form",
    ("GET", "/forms/<uuid:form_id>"): "form",
    ("POST", "/forms/<uuid:form_id>"): "form",
    ("POST", "/forms/<uuid:form_id>/close"): "form",
    ("GET", "/login"): "nobody",
    ("POST", "/login"): "nobody",
    ("POST", "/logout"): "nobody",
    ("GET", "/tenants"): "nobody",
    ("POST", "/tenants/<uuid:agent_id>"): "nobody",
    ("GET", "/assets/<path:filename>"): "nobody",
    ("GET", "/bootstrap/static/<path:filename>"): "nobody",
}
ASSIGN = (Role.OWNER, Role.MANAGER)
AGREED = {"how": "voice", "at": "2026-11-19T10:00", "purposes": "appointment", "words": "Yes", "heard_by": "Dana"}
FORMS = {"messages": {"body": "Hello"}, "hold": {"meaning": "opt_out"}, "consent": AGREED}


@dataclass
class Floor:
    """One browser per role, and per kind of lead its conversation, task and alert."""

    world: World
    browsers: dict[Role, Browser]
    objects: dict[str, dict[str, UUID]]


@pytest.fixture
def floor(world: World) -> Floor:
    """The home tenant with four leads' worth of trouble, one of them next door."""
    other = world.business("Zephyrine Motors", "+12065550186")
    colleague = hire(world, "carl@example.test", Role.AGENT)
    browsers = {role: at_work(world, f"{role.value}@example.test", role) for role in Role}
    objects = {}
    for whose, number in LEADS.items():
        business = other if whose == FOREIGN else world.home
        world.text(f"{WANTS} {WORDS[whose]}", sender=number, to=business)
        world.drain()
        objects[whose] = made(world, business, {row["conversation"] for row in objects.values()})
    for whose, agent_id in ((MINE, browsers[Role.AGENT].agent_id), (COLLEAGUES, colleague)):
        assign(world, conversation(world, objects[whose]["conversation"]), agent_id)
    return Floor(world, browsers, objects)


def made(world: World, business: Business, known: set[UUID]) -> dict[str, UUID]:
    """What the newest text has made."""
    new = next(row for row in world.rows(Conversation, of=business) if row.id not in known)
    task = next(row for row in world.rows(Task, of=business) if row.conversation_id == new.id)
    alert = next(row for row in world.rows(Alert, of=business) if row.conversation_id == new.id)
    return {"conversation": new.id, "task": task.id, "alert": alert.id}


def conversation(world: World, conversation_id: UUID) -> Conversation:
    return next(row for row in world.rows(Conversation) if row.id == conversation_id)


def may(role: Role, whose: str) -> bool:
    return whose != FOREIGN and (role in EVERYTHING or whose in (MINE, UNASSIGNED))


def calls(about: str) -> Iterator[tuple[str, str]]:
    for (method, rule), what in ABOUT.items():
        if what == about:
            yield method, rule


def called(browser: Browser, method: str, rule: str, object_id: UUID) -> tuple[int, str]:
    path = rule.partition("<")[0] + str(object_id) + rule.partition(">")[2]
    if method == "GET":
        answer = browser.get(path)
    else:
        browser.get("/")
        answer = browser.post(path, FORMS.get(path.rpartition("/")[2], {}))
    return answer.status_code, answer.get_data(as_text=True)


def test_every_route_of_the_dashboard_stands_in_the_table(world: World) -> None:
    walked = {
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in ("dashboard", "bootstrap")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert walked == set(ABOUT)


@pytest.mark.slow
@pytest.mark.parametrize("whose", LEADS)
@pytest.mark.parametrize("role", Role)
def test_a_role_reaches_what_it_may_see_and_nothing_else(floor: Floor, role: Role, whose: str) -> None:
    browser, nothing = floor.browsers[role], uuid4()
    for about in ("conversation", "task", "alert"):
        for method, rule in calls(about):
            status, body = called(browser, method, rule, floor.objects[whose][about])
            if may(role, whose):
                assert status in (200, 303, 409), (method, rule, status)
            else:
                # No different from what does not exist.
                missing = called(browser, method, rule, nothing)
                assert (status, body) == missing, (method, rule)
                assert status == 404
    for method, rule in calls("assignment"):
        status, body = called(browser, method, rule, floor.objects[whose]["conversation"])
        if role in ASSIGN and may(role, whose):
            assert status == 303
        else:
            assert (status, body) == called(browser, method, rule, nothing)
            assert status == 404


@pytest.mark.parametrize("role", Role)
def test_a_list_names_only_what_a_role_may_see(floor: Floor, role: Role) -> None:
    browser = floor.browsers[role]
    pages = {path: browser.page(path) for path in ("/?queue=all", "/?queue=needs-human", "/tasks", "/alerts")}
    changed = browser.get(f"/live?cursor=0.{UUID(int=0)}").json["changed"]

    for whose, ids in floor.objects.items():
        for path, page in pages.items():
            assert (f"/c/{ids['conversation']}" in page) == may(role, whose), (path, whose)
        assert (WORDS[whose] in pages["/?queue=all"]) == may(role, whose)
        assert (str(ids["conversation"]) in changed) == may(role, whose)


@pytest.mark.parametrize("role", Role)
def test_a_count_counts_only_what_a_role_may_see(floor: Floor, role: Role) -> None:
    page = floor.browsers[role].page("/?queue=all")
    seen = sum(may(role, whose) for whose in LEADS)

    assert f'aria-current="page">All <span class="tally">{seen}</span>' in " ".join(page.split())
    assert f'<span>Tasks</span> <span class="count">{seen}</span>' in page


def test_who_takes_an_unassigned_lead_over_has_it_and_no_other_agent_sees_it_any_more(floor: Floor) -> None:
    agent, colleague = floor.browsers[Role.AGENT], at_work(floor.world, "cora@example.test", Role.AGENT)
    path = f"/c/{floor.objects[UNASSIGNED]['conversation']}"
    told = re.findall(r'data-cursor="([^"]+)"', colleague.page("/"))[0]
    before = colleague.get(path).status_code
    agent.page(path)
    agent.post(f"{path}/take-over")
    heard = colleague.get(f"/live?cursor={told}").json
    late = [
        colleague.post(f"{path}/take-over").status_code,
        colleague.post(f"{path}/messages", {"body": "x"}).status_code,
    ]

    assert before == 200 and lead_of(floor, UNASSIGNED) == agent.agent_id
    assert (colleague.get(path).status_code, late) == (404, [404, 404])
    assert (heard["changed"], heard["floor"]) == ([], True)  # look again: whose it was is not said
    assert path not in colleague.page("/?queue=all")
    assert floor.browsers[Role.MANAGER].get(path).status_code == 200


def test_two_agents_at_once_are_never_both_the_first(floor: Floor) -> None:
    agents = [at_work(floor.world, f"twin{n}@example.test", Role.AGENT) for n in range(2)]
    conversation_id = floor.objects[UNASSIGNED]["conversation"]
    ready = threading.Barrier(2)

    def take(agent: Browser) -> str:
        ready.wait()
        try:
            acts.take_over(
                floor.world.runtime,
                floor.world.home.id,
                Actor(ActorKind.STAFF, agent.agent_id, Role.AGENT),
                conversation_id,
            )
        except NotFound:
            return "too late"
        return "mine"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, agents)) == ["mine", "too late"]


@pytest.mark.parametrize("role", ASSIGN)
def test_a_lead_is_assigned_and_taken_back_and_both_are_recorded(floor: Floor, role: Role) -> None:
    browser, agent = floor.browsers[role], floor.browsers[Role.AGENT]
    path = f"/c/{floor.objects[COLLEAGUES]['conversation']}"
    page = browser.page(path)
    answers = []
    for chosen in (str(agent.agent_id), ""):
        answers.append((browser.post(f"{path}/assign", {"agent": chosen}).status_code, lead_of(floor, COLLEAGUES)))

    assert re.search(r'<option value="[^"]+" selected>Carl</option>', page)
    assert answers == [(303, agent.agent_id), (303, None)]
    events = sorted(floor.world.rows(Event), key=lambda event: event.xid)
    assert [event.details["to"] for event in events if event.kind == "conversation.assigned"] == [
        str(agent.agent_id),
        None,
    ]
    assert "assigned it to Agent" in browser.page(path) and "assigned it to nobody" in browser.page(path)


def test_a_lead_is_assigned_to_nobody_who_is_not_of_the_house(floor: Floor) -> None:
    owner = floor.browsers[Role.OWNER]
    stranger = hire(floor.world, "far@example.test", Role.AGENT, of=floor.world.business("Far Motors", "+12065550187"))
    path = f"/c/{floor.objects[MINE]['conversation']}"
    owner.page(path)
    before = lead_of(floor, MINE)
    refused = [
        owner.post(f"{path}/assign", {"agent": str(one)})
        for one in (stranger, uuid4(), "x", floor.browsers[Role.COMPLIANCE].agent_id)
    ]

    assert [answer.status_code for answer in refused] == [422] * 4
    assert lead_of(floor, MINE) == before
    assert "Assign to" not in floor.browsers[Role.AGENT].page(path)


def lead_of(floor: Floor, whose: str) -> UUID | None:
    """To whom this lead is assigned."""
    lead_id = conversation(floor.world, floor.objects[whose]["conversation"]).lead_id
    return next(row.assigned_to for row in floor.world.rows(Lead) if row.id == lead_id)
