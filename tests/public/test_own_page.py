from __future__ import annotations

import html
import io
import re
import threading
import time
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from consent.ledger import state_of
from consent.models import ConsentEvidence
from consent.purposes import Purpose
from consent.state import EventKind, PurposeState
from conversations.models import State, Task
from privacy.links import LASTS, make
from privacy.requests import Ask
from smsbot.actor import SYSTEM
from tests.conftest import Database
from tests.privacy import story
from tests.privacy.story import contact_id
from tests.world import LEAD, PUBLIC_URL, World

SIGNED = re.compile(r'name="form" value="([^"]+)"')


@dataclass
class Opener:
    """Somebody with a link, in a browser without cookies."""

    world: World
    token: str
    signed: str = field(default="", repr=False)
    text: str = field(default="", repr=False)

    def get(self, path: str = "", **headers: str) -> TestResponse:
        return self._read(self._client().get(f"/l/{self.token}{path}", base_url=PUBLIC_URL, headers=headers))

    def post(self, act: str, *, headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
        if not self.signed:
            self.get()
        sent = {"form": self.signed, "act": act, **fields}
        return self._read(
            self._client().post(f"/l/{self.token}", data=sent, base_url=PUBLIC_URL, headers=headers or {})
        )

    def after(self, answer: TestResponse) -> str:
        """The page that a redirect leads to."""
        assert answer.status_code == 303, (answer.status, self.text)
        return self._read(self._client().get(answer.headers["Location"], base_url=PUBLIC_URL)).get_data(as_text=True)

    def _client(self):
        return self.world.app.test_client(use_cookies=False)

    def _read(self, answer: TestResponse) -> TestResponse:
        self.text = html.unescape(answer.get_data(as_text=True)) if answer.mimetype == "text/html" else ""
        if found := SIGNED.search(answer.get_data(as_text=True) if self.text else ""):
            self.signed = found[1]
        return answer


def opener(world: World) -> Opener:
    address = make(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")
    assert address.startswith(f"{PUBLIC_URL}/l/")
    return Opener(world, address.rpartition("/")[2])


@pytest.fixture
def them(world: World) -> Opener:
    """A lead who has asked, agreed to everything and got an answer."""
    world.text("Is 412 Maple still there?")
    world.drain()
    story.sign_up(world)
    world.drain()
    return opener(world)


# ---- what the page says -----------------------------------------------------------------------------------------------


def test_the_page_shows_what_is_held_and_what_was_agreed(world: World, them: Opener) -> None:
    answer = them.get()

    assert answer.status_code == 200
    for shown in ("Ana Ruiz", "•••••• 0171", "Lakeside Realty", "412 Maple", story.DISCLOSURE, "advertising"):
        assert shown in them.text
    assert LEAD not in them.text
    assert "(312) 555-0171" not in them.text


def test_the_page_tells_nobody_where_it_is(world: World, them: Opener) -> None:
    answer = them.get()

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    assert "<script" not in them.text
    outside = re.findall(r'(?:src|href|action)="(https?:[^"]+)"', them.text)
    assert outside == []


def test_looking_at_it_changes_nothing(world: World, them: Opener, database: Database) -> None:
    before = _rows(database)

    for path in ("", "?done=stopped", "/delete", "?act=stop", "?act=delete&sure=yes"):
        them.get(path)
        them._client().head(f"/l/{them.token}{path}", base_url=PUBLIC_URL)

    assert _rows(database) == before


def _rows(database: Database) -> dict[str, list[str]]:
    """Every row but the counters of how often somebody has asked."""
    with database.connect() as connection:
        return {
            table: sorted(str(row[0]) for row in connection.execute(f"SELECT t::text FROM {table} AS t").fetchall())
            for table in database.tables
            if table != "rejections"
        }


def test_spanish_speakers_read_spanish(world: World) -> None:
    world.text("¿Todavía está disponible la casa?")
    world.drain()

    them = opener(world)
    them.get()

    assert 'lang="es"' in them.text
    assert "Parar todos los mensajes" in them.text


# ---- tokens that open nothing -----------------------------------------------------------------------------------------


def test_wrong_too_old_and_revoked_are_one_answer(world: World, them: Opener) -> None:
    revoked = opener(world)
    other = world.business("Zephyrine Motors", "+12065550186")
    world.text("Hello", to=other)
    revoked.get()
    revoked.post("delete", sure="yes")
    world.text("Hello again")
    world.drain()
    old = opener(world)
    world.clock.advance(LASTS)

    answers = []
    for token in (revoked.token, old.token, "x" * 43, "x", "%2e%2e"):
        one = Opener(world, token)
        answers.append((one.get().status_code, one.text, one.post("stop").status_code, one.text))

    assert {answer[0] for answer in answers} == {404}
    assert len(set(answers)) == 1


@pytest.mark.parametrize("how", ["none", "another link", "too old", "elsewhere"])
def test_a_form_that_is_not_of_this_page_does_nothing(how: str, world: World, them: Opener) -> None:
    them.get()
    headers = {}
    match how:
        case "none":
            them.signed = "made-up"
        case "another link":
            second = opener(world)
            second.get()
            them.signed = second.signed
        case "too old":
            world.clock.advance(timedelta(days=1, seconds=1))
        case _:
            headers = {"Sec-Fetch-Site": "cross-site"}

    answer = them.post("stop", headers=headers)

    assert answer.status_code == (403 if how == "elsewhere" else 422)
    assert state_of(world.contact()).opted_out is None


def test_a_page_that_was_open_for_too_long_says_so_and_works_at_the_second_try(world: World, them: Opener) -> None:
    them.get()
    world.clock.advance(timedelta(days=1, seconds=1))

    refused = them.post("stop")
    said = them.text
    them.post("stop")

    assert refused.status_code == 422
    assert "open for too long" in said
    assert state_of(world.contact()).opted_out is not None


# ---- what they can do -------------------------------------------------------------------------------------------------


def test_stop_ends_everything_before_the_answer(world: World, them: Opener) -> None:
    world.text("And what does it cost?")

    page = them.after(them.post("stop"))
    world.drain()

    event = next(e for e in world.ledger() if e.kind is EventKind.OPT_OUT)
    assert (event.method, event.actor_kind) == ("web_page", "lead")
    assert "sends you no more texts" in page
    assert "Stop all texts" not in page
    assert "Text START to (312) 555-0100" in page
    assert world.outbound()[-1].state is State.CANCELED
    assert world.verified()


def test_stop_keeps_what_shows_that_they_did_it(world: World, them: Opener) -> None:
    them.post("stop", headers={"User-Agent": "Mozilla/5.0 (X11) Test/1.0"})

    event = next(e for e in world.ledger() if e.kind is EventKind.OPT_OUT)
    with world.runtime.transaction(world.home.id) as session:
        proof = session.get_one(ConsentEvidence, (world.home.id, event.id))
    kept = world.runtime.cipher(world.home.data_key).decrypt_text(
        proof.content, tenant_id=world.home.id, table="consent_evidence", column="content", row=event.id
    )
    assert "Test/1.0" in kept
    assert them.token not in kept


def test_stop_waits_for_a_text_in_flight(world: World) -> None:
    world.text("Is it still there?")
    them = opener(world)
    them.get()
    at_the_carrier, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def before(_: object) -> None:
        at_the_carrier.set()
        go_on.wait(10)

    world.carrier.before = before
    sending = threading.Thread(target=world.drain)
    sending.start()
    assert at_the_carrier.wait(10)
    stopping = threading.Thread(target=lambda: (them.post("stop"), done.set()))
    stopping.start()
    time.sleep(0.2)
    answered_early = done.is_set()
    go_on.set()
    sending.join(10)
    stopping.join(10)

    assert not answered_early
    assert done.is_set()


def test_stop_advertising_leaves_the_rest(world: World, them: Opener) -> None:
    page = them.after(them.post("stop_marketing"))

    state = state_of(world.contact())
    assert state.opted_out is None
    assert state.purposes[Purpose.MARKETING].state is PurposeState.OPTED_OUT
    assert state.purposes[Purpose.APPOINTMENT].state is PurposeState.OPTED_IN
    assert "Stop advertising only" not in page


def test_nothing_there_switches_texts_on_again(world: World, them: Opener) -> None:
    them.post("stop")

    for act in ("start", "opt_in", "resume", "stop_marketing", "any_time", "lift", "limit", "lift"):
        them.post(act)

    assert state_of(world.contact()).opted_out is not None


def test_hours_are_kept_and_shown_and_given_up(world: World, them: Opener) -> None:
    fields = {"mon_fri_from": "10:00", "mon_fri_to": "17:00", "sat_sun_from": "", "sat_sun_to": "21:00"}
    them.after(them.post("hours", **fields))
    kept = world.contact().hours
    shown = re.findall(r"<option selected>([^<]*)</option>", them.text)

    them.after(them.post("any_time"))

    assert kept is not None
    assert (kept["mon"], kept["sat"]) == ([["10:00", "17:00"]], [])
    assert shown[:2] == ["10:00", "17:00"]
    assert world.contact().hours is None


def test_hours_that_end_before_they_begin_are_refused(world: World, them: Opener) -> None:
    answer = them.post("hours", mon_fri_from="17:00", mon_fri_to="10:00", sat_sun_from="")

    assert answer.status_code == 422
    assert "must come after" in them.text
    assert world.contact().hours is None


def test_limit_and_lift(world: World, them: Opener) -> None:
    limited = them.after(them.post("limit"))
    restricted = state_of(world.contact()).restricted
    lifted = them.after(them.post("lift"))

    assert restricted is not None
    assert "Lift the limit" in limited
    assert "no texts" in limited
    assert "Lift the limit" not in lifted
    assert state_of(world.contact()).restricted is None


def test_a_correction_is_left_to_staff(world: World, them: Opener) -> None:
    them.after(them.post("correct"))
    them.after(them.post("correct"))

    assert [task.kind for task in world.rows(Task) if task.kind == Ask.CORRECT] == [Ask.CORRECT]


def test_they_take_their_data_with_them(world: World, them: Opener) -> None:
    answer = them.post("download")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archived:
        assert {"person.json", "messages.csv", "consent.csv"} <= set(archived.namelist())
        assert LEAD in archived.read("person.json").decode()


def test_deleting_needs_a_second_step(world: World, them: Opener) -> None:
    them.get("/delete")
    asked = them.text
    first = them.post("delete")
    still_there = world.contact().address
    second = them.post("delete", sure="yes")

    assert "Delete your data?" in asked
    assert first.status_code == 200
    assert still_there == LEAD
    assert second.status_code == 200
    assert "Your data is deleted" in them.text
    assert them.get().status_code == 404
    assert {message.body for message in world.messages()} == {""}


# ---- rates, logs ------------------------------------------------------------------------------------------------------


def test_one_link_is_not_used_without_end(world: World, them: Opener) -> None:
    them.get()
    answers = [them.post("nothing").status_code for _ in range(31)]

    assert answers == [200] * 30 + [429]


def test_no_log_names_a_token(world: World, them: Opener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for act in ("stop", "limit", "correct", "download", "hours", "unknown"):
        them.post(act)
    them.post("delete", sure="yes")
    them.get()

    assert them.token not in caplog.text
    assert them.token[:16] not in caplog.text
