"""What every page promises: headers, no code in the markup, words of strangers as words, things said plainly."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from markupsafe import escape

from consent.purposes import CONSENTED
from conversations.inbox import Queue
from conversations.models import Lead
from dashboard.routes import POLICY
from smsbot.texts import cleaned
from tests.dashboard.staff import Browser, a_browser, hire
from tests.world import LEAD, World

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "'><script src=//evil.test></script>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{background:url(//evil.test)}</style>",
    "{{ 7*7 }}{% raw %}",
    "${alert(1)}",
    "<!--<script>-->",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<base href=//evil.test>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "\u202e<script>\u202c",
    "<template><script>alert(1)</script></template>",
)  # fmt: skip
TEMPLATES = Path(__file__).resolve().parents[2] / "dashboard" / "templates"
OURS = ("/assets/", "/bootstrap/static/")


class Markup(HTMLParser):
    """Notes what a browser would run, load or be sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("iframe", "object", "embed", "base", "style", "template", "math", "mglyph"):
            self.found.append(tag)
        if tag == "script" and not values.get("src", "").startswith(OURS):
            self.found.append(f"script {values}")
        if tag in ("img", "link") and not values.get("src", values.get("href", "")).startswith(OURS):
            self.found.append(f"{tag} {values}")
        if tag == "meta" and "http-equiv" in values:
            self.found.append("meta")
        for name, value in values.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.found.append(f"{tag} {name}")
            if name in ("href", "action", "formaction") and not re.match(r"(/(?!/)|#|tel:\+)", value):
                self.found.append(f"{tag} {name}={value}")


def dangers(page: str) -> list[str]:
    markup = Markup()
    markup.feed(page)
    return markup.found


@pytest.mark.parametrize(
    ("page", "danger"),
    [
        (HOSTILE[0], "script {}"),
        (HOSTILE[1], "img onerror"),
        (HOSTILE[6], "a href=javascript:alert(1)"),
        ('<p style="color:red">', "p style"),
        ("<style>", "style"),
    ],
)
def test_a_danger_is_seen(page: str, danger: str) -> None:
    assert danger in dangers(page)


def pages_of(browser: Browser, path: str) -> dict[str, str]:
    paths = [
        "/",
        *(f"/?queue={queue.value}" for queue in Queue),
        "/tasks",
        "/alerts",
        "/tenants",
        path,
        f"{path}/opt-out",
    ]
    return {each: browser.page(each) for each in paths}


@pytest.mark.slow
def test_texts_of_strangers_are_shown_and_never_run(world: World, owner: Browser) -> None:
    for words in HOSTILE:
        world.text(words)
    world.text("Can I talk to a real person please")
    world.drain()
    path = f"/c/{world.conversation().id}"
    pages = pages_of(owner, path)
    for words in HOSTILE:
        typed = owner.post(f"{path}/messages", {"body": words * 200, "seen": ""})
        pages[f"typed {words}"] = typed.get_data(as_text=True)

    assert {where: dangers(page) for where, page in pages.items()} == {where: [] for where in pages}
    assert all(escape(cleaned(words).text) in pages[path] for words in HOSTILE)


@pytest.mark.slow
def test_names_of_strangers_are_shown_and_never_run(world: World, owner: Browser) -> None:
    world.text("Can I talk to a real person please")
    world.drain()
    lead_id, path = world.conversation().lead_id, f"/c/{world.conversation().id}"
    for words in HOSTILE:
        with world.runtime.transaction(world.home.id) as session:
            lead = session.get_one(Lead, lead_id)
            lead.name, lead.source, lead.language = words, words[:60], words[:8]
            lead.fields = {words: {"value": words}, "message": words}
        shown = owner.page(path)

        assert dangers(shown) == []
        assert escape(words) in shown
    assert {where: dangers(page) for where, page in pages_of(owner, path).items() if dangers(page)} == {}


def test_no_template_marks_anything_as_safe_or_holds_code() -> None:
    sources = {path.name: path.read_text("utf-8") for path in TEMPLATES.glob("*.html")}

    assert len(sources) >= 15
    assert [
        name for name, source in sources.items() if re.search(r"\|\s*safe|autoescape|Markup|\|\s*tojson", source)
    ] == []
    assert [
        name for name, source in sources.items() if re.search(r"\sstyle=|\son\w+=|<style|javascript:", source)
    ] == []


HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/tasks", 200), ("/alerts", 200), ("/tenants", 200), ("/login", 200), ("/c/{}", 200), ("/live", 200),
     ("/c/00000000-0000-0000-0000-000000000000", 404), ("/assets/dashboard.css", 200), ("/assets/none", 404)],
)  # fmt: skip
def test_every_answer_carries_the_headers(world: World, owner: Browser, path: str, status: int) -> None:
    world.text("Hello")
    answer = owner.get(path.format(world.conversation().id))

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in POLICY and "default-src 'none'" in POLICY
    if not path.startswith("/assets"):
        assert answer.headers["Cache-Control"] == "no-store"


def test_refusals_carry_them_too(world: World, owner: Browser) -> None:
    stranger = a_browser(world)
    answers = [stranger.get("/"), stranger.post("/logout"), owner.post("/logout", {"csrf_token": "x"})]

    assert [answer.status_code for answer in answers] == [303, 401, 400]
    assert all({name: a.headers.get(name) for name in HEADERS} == HEADERS for a in answers)


def test_a_sensitive_number_is_not_on_the_page_and_its_absence_is_said(world: World, owner: Browser) -> None:
    world.text("my ssn is 078-05-1120 thanks")
    page = owner.page(f"/c/{world.conversation().id}")

    assert "1120" not in page
    assert "Sensitive number hidden" in page


def test_a_list_shows_a_covered_number_and_the_conversation_the_whole(world: World, owner: Browser) -> None:
    world.text("Hello")

    assert "(312) •••-••71" in owner.page("/") and "555-0171" not in owner.page("/")
    assert "(312) 555-0171" in owner.page(f"/c/{world.conversation().id}")


def test_the_timeline_tells_of_consent_and_of_what_was_not_sent(world: World, owner: Browser) -> None:
    world.text("Is it still there?")
    world.drain()
    world.text("STOP")
    page = owner.page(f"/c/{world.conversation().id}")

    assert "Opted out of all texts by keyword" in page
    assert page.index(">Is it still there?<") < page.index('dir="auto">STOP<') < page.index("Opted out of all texts")


def test_a_failed_text_says_why(world: World, owner: Browser) -> None:
    world.text("Is it still there?")
    world.drain()
    world.status(world.outbound()[0], "undelivered", error=30003)

    assert "Not delivered: no answer from their phone, it is off or out of reach (code 30003)" in owner.page(
        f"/c/{world.conversation().id}"
    )


def test_answers_that_never_got_words_are_left_out(world: World, owner: Browser) -> None:
    world.text("Is it")
    world.text("still there?")
    page = owner.page(f"/c/{world.conversation().id}")

    assert len(world.outbound()) == 2
    assert page.count("The AI is preparing an answer") == 1


def test_a_draft_is_shown_as_one(world: World, owner: Browser) -> None:
    world.mode("draft")
    world.text("What time do you open?")
    world.drain()
    page = owner.page(f"/c/{world.conversation().id}")

    assert world.carrier.bodies == []
    assert "draft, not sent" in page


def test_without_a_session_nothing_is_shown_and_the_wanted_page_is_remembered(world: World, browser: Browser) -> None:
    hire(world)
    world.text("Hello")
    answer = browser.get(f"/c/{world.conversation().id}?queue=all")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/login?next=%2Fc%2F{world.conversation().id}%3Fqueue%3Dall"
    assert LEAD[2:] not in answer.get_data(as_text=True)


def test_a_thread_that_the_carrier_blocks_says_so_everywhere_and_nothing_else(world: World, owner: Browser) -> None:
    path = f"/c/{texted(world)}"
    world.drain()
    world.status(world.outbound()[0], "failed", error=21610)
    page = owner.page(path)

    assert "The carrier blocks texts to this number</strong>: call." in page
    assert re.search(r'class="tag tag-blocked">.*Blocked</span>', page)
    assert "tag-stop" not in page and "AI active" not in page
    assert page.count("<span>Blocked</span>") == len(CONSENTED)
    assert "Why it was not sent" in page and "Why it was allowed" not in page
    assert "tag-blocked" in owner.page("/?queue=all")


def test_a_text_that_left_names_its_id_where_it_says_why(world: World, owner: Browser) -> None:
    path = f"/c/{texted(world)}"
    world.drain()
    page = owner.page(path)

    assert "Why it was allowed" in page
    assert f"<code>{world.outbound()[0].id}</code>" in page


def test_a_word_that_the_carrier_answers_says_so(world: World, owner: Browser) -> None:
    world.text("HELP", OptOutType="HELP")
    page = owner.page(f"/c/{world.conversation().id}")

    assert "The carrier answers HELP itself" in page


def test_a_day_names_its_time_zone(world: World, owner: Browser) -> None:
    path = f"/c/{texted(world)}"

    assert re.search(r'class="day">Today <span class="zone">[A-Z]{3,4}</span>', owner.page(path))


def texted(world: World) -> UUID:
    world.text("Hello there")
    return world.conversation().id
