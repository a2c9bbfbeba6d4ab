"""Pictures of the dashboard for people to look at: `python -m tests.journeys.screens FOLDER`. No part of the suite.

A scratch database with a few conversations, the pages at three widths, light and dark, and a complaint about each page
that scrolls sideways, has too small a target, or whose console says anything. `make journeys` gets the browser it needs.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import select
from werkzeug.serving import make_server

from consent.models import Contact
from conversations.models import Conversation, Lead
from conversations.staff import take_over, write
from scripts.browser import FLAGS, browser_path
from smsbot.actor import Actor, ActorKind, Role
from smsbot.database import database_engine
from smsbot.runtime import Runtime
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers.postgres import start_postgres, stop_postgres
from smsbot.tenancy import Fact
from tests.dashboard.staff import PASSWORD, hire
from tests.world import World
from wsgi import STAFF_POOL, application

WIDTHS = {360: 740, 820: 1100, 1440: 900}
SMALLEST_TARGET = 24  # CSS pixels: WCAG 2.2, 2.5.8
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL = """(least) => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => one.checkVisibility() && !one.closest('p, dd') && !one.classList.contains('skip'))
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.width < least || box.height < least); })
  .map((one) => one.outerHTML.slice(0, 90))"""
PEOPLE = {
    "+13125550101": "Dana Whitfield",
    "+13125550103": "Marcus Oyelaran",
    "+13125550104": "Lucía Fernández",
    "+13125550105": "Priya Raman",
    "+13125550107": "Tom Bergstrom",
}


def fill(world: World) -> Conversation:
    """A morning at the office. Returns the conversation that is shown."""
    owner = hire(world, "ann@example.test", Role.OWNER, name="Ann Kessler")
    colleague = hire(world, "ben@example.test", Role.AGENT, name="Ben Ito")
    with world.runtime.transaction(world.home.id) as session:
        session.add(Fact(kind="address", ref="main", content={"text": "210 W Kinzie St, Chicago"}))
        session.add(
            Fact(
                kind="listing",
                ref="birch-12",
                as_of=world.clock.now(),
                content={"title": "12 Birch Lane", "status": "active", "price": 489000, "details": {"beds": 3}},
            )
        )
        for weekday in range(6):
            content = {"weekday": weekday, "opens": "09:00", "closes": "18:00"}
            session.add(Fact(kind="hours", ref=f"{weekday}", content=content))
    script = [
        (1500, "+13125550101", "Hi, is 12 Birch Lane still available?"),
        (1495, "+13125550101", "And how many bedrooms does it have?"),
        (190, "+13125550104", "Hola, ¿a qué hora abren el sábado?"),
        (180, "+13125550105", "What time do you open tomorrow?"),
        (95, "+13125550106", "Please stop texting me"),
        (64, "+13125550107", "do you have anything near the lake under 500k"),
        (42, "+13125550101", "Could I talk to a real person about an offer? I can do 470k if we close in June."),
        (
            9,
            "+13125550103",
            "Is the 12 Birch Lane listing still on the market? My ssn is 078-05-1120 for the application",
        ),
        (3, "+13125550102", "not now, please stop for today"),
    ]
    for minutes, sender, words in script:
        world.clock.set(datetime.now(UTC) - timedelta(minutes=minutes))
        world.text(words, sender=sender)
        world.drain()
        for message in world.outbound():
            if message.provider_sid and message.state.value == "sent" and minutes > 50:
                world.status(message, "delivered")
    with world.runtime.transaction(world.home.id) as session:
        leads = {c.address: c for c in session.scalars(select(Contact))}
        for number, name in PEOPLE.items():
            lead = session.scalars(select(Lead).where(Lead.contact_id == leads[number].id)).one()
            lead.name = name
        found = {c.contact_id: c for c in session.scalars(select(Conversation))}
        by_number = {number: found[contact.id] for number, contact in leads.items()}
    actor = Actor(ActorKind.STAFF, owner, Role.OWNER)
    world.clock.set(datetime.now(UTC) - timedelta(minutes=62))
    write(
        world.runtime,
        world.home.id,
        actor,
        by_number["+13125550107"].id,
        "Yes, two came in this week. Which side of the city do you work on?",
    )
    world.drain(wait=False)
    take_over(world.runtime, world.home.id, Actor(ActorKind.STAFF, colleague, Role.OWNER), by_number["+13125550103"].id)
    world.clock.set(datetime.now(UTC) - timedelta(seconds=24))
    world.text("One more thing: does the house come with parking?", sender="+13125550105")
    world.clock.set(datetime.now(UTC))
    return by_number["+13125550101"]


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="smsbot-screens-"))
    home.chmod(0o755)
    complaints: list[str] = []
    try:
        server, _ = start_postgres(home, fsync=False)
        prepare_cluster(server.url(), database="smsbot", owner_password="owner", app_password="app")
        upgrade(server.url("smsbot", "smsbot_owner", "owner").replace("postgresql://", "postgresql+psycopg://", 1))
        url = server.url("smsbot", "smsbot_app", "app").replace("postgresql://", "postgresql+psycopg://", 1)
        world = World(url, database_engine(url), home)
        shown = fill(world)
        complaints = look(world, shown, folder)
    finally:
        stop_postgres(home)
        shutil.rmtree(home, ignore_errors=True)
    print("\n".join(complaints) or "nothing to complain about")
    return 1 if complaints else 0


def look(world: World, shown: Conversation, folder: Path) -> list[str]:
    web = make_server("127.0.0.1", 0, application(world.runtime, ()), threaded=True)
    settings = replace(world.settings, public_url=f"http://127.0.0.1:{web.server_port}")
    runtime = Runtime(settings, world.clock, world.runtime.engine, world.runtime.bell, world.runtime.keyring)
    web.app = application(runtime, (STAFF_POOL,))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    complaints: list[str] = []
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    path = browser_path()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
            for width, height in WIDTHS.items():
                for scheme in ("light", "dark"):
                    complaints += tour(chromium, settings.public_url, shown, folder, width, height, scheme)
            complaints += follow(chromium, settings.public_url, shown, world)
            complaints += without_scripts(chromium, settings.public_url, shown, world)
            chromium.close()
    finally:
        web.shutdown()
    return complaints


def tour(
    chromium: Browser, base: str, shown: Conversation, folder: Path, width: int, height: int, scheme: str
) -> list[str]:
    complaints: list[str] = []
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="America/Chicago"
    )
    page = context.new_page()
    page.on("console", lambda said: complaints.append(f"{width} {scheme}: {said.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{width} {scheme}: {error}"))

    def keep(name: str, path: str | None = None) -> None:
        if path is not None:
            page.goto(base + path)
        page.wait_for_load_state("networkidle") if path == "/login" else page.wait_for_timeout(250)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
        if page.evaluate(SIDEWAYS):
            complaints.append(f"{name} {width} {scheme}: scrolls sideways")
        complaints.extend(
            f"{name} {width}: too small: {one}" for one in page.evaluate(SMALL, SMALLEST_TARGET) if scheme == "light"
        )

    keep("sign-in", "/login")
    sign_in(page, base)
    keep("inbox")
    keep("needs-human", "/?queue=needs-human")
    keep("mine-thread", f"/c/{shown.id}?queue=needs-human")
    keep("tasks", "/tasks")
    keep("alerts", "/alerts")
    keep("opt-out", f"/c/{shown.id}/opt-out")
    links = page.goto(base + "/?queue=all") and [
        one.get_attribute("href") for one in page.query_selector_all("a.entry")
    ]
    for name, tag in (("stop", ".tag-stop"), ("held", ".tag-held")):
        row = page.query_selector(f"a.entry:has({tag})")
        if row is not None and links:
            keep(f"thread-{name}", row.get_attribute("href"))
    if width == 360:
        keep("context", f"/c/{shown.id}#context")
    context.close()
    return complaints


def follow(chromium: Browser, base: str, shown: Conversation, world: World) -> list[str]:
    """A text that comes in while somebody types: it appears, is announced, and takes neither focus nor words away."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, base)
    page.goto(f"{base}/c/{shown.id}")
    page.focus("#body")
    page.keyboard.type("I was about to say ñ 🙂")
    before = page.input_value("[data-seen]")
    world.text("Are you still there?", sender="+13125550101")
    complaints = []
    try:
        page.wait_for_selector(".said-in:has-text('Are you still there?')", timeout=5000)
    except PlaywrightError:
        return ["live: a new text does not appear"]
    page.wait_for_timeout(200)
    checks = {
        "the typed words are gone": page.input_value("#body") == "I was about to say ñ 🙂",
        "the focus has moved": page.evaluate("document.activeElement.id") == "body",
        "nothing is announced": "New text from" in (page.text_content("[data-announce]") or ""),
        "what was seen is not noted": page.input_value("[data-seen]") != before,
        "segments are not counted": "1 segment" in (page.text_content("[data-measure]") or ""),
    }
    complaints += [f"live: {what}" for what, fine in checks.items() if not fine]
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".said-out:has-text('I was about to say')", timeout=5000)
    page.context.set_offline(True)
    page.wait_for_timeout(2600)
    if "Reconnecting" not in (page.text_content("[data-line]") or ""):
        complaints.append("live: a lost line is not shown")
    page.context.set_offline(False)
    page.close()
    return complaints


def without_scripts(chromium: Browser, base: str, shown: Conversation, world: World) -> list[str]:
    """Reading and answering need no script."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, base)
    page.goto(f"{base}/?queue=all")
    page.click("a.entry:has-text('Dana Whitfield')")
    page.fill("#body", "Sent without a script")
    page.click("button:has-text('Send')")
    found = page.query_selector(".said-out:has-text('Sent without a script')")
    context.close()
    return [] if found else ["without scripts: no answer can be sent"]


def sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/login")
    page.fill("#email", "ann@example.test")
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign in')")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
