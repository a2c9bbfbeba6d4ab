"""The search of the whole suite for canaries: it finds each kind of them in each place, and fails the run."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue

from smsbot.logs import log_event
from smsbot.servers.redis import start_redis, stop_redis
from tests.canaries.watch import CARD, SSN, Canaries, Kind, RedisTap, Watch
from tests.conftest import Database

ROOT = Path(__file__).parents[2]
WORDS = "could the tall heron come in by the garden gate"
ANSWER = "it may come in whenever the orchard door is open"
TOKEN = "t0ken-of-a-Heron-4711"
PLANTED = {
    Kind.SENT_WORDS: WORDS,
    Kind.OUR_WORDS: ANSWER,
    Kind.SECRET: TOKEN,
    Kind.NUMBER: "457-55-5462",
    Kind.PHONE: "+13125550171",
}
IN_ROWS = [kind for kind in Kind if kind is not Kind.PHONE]  # which rows hold where they belong
ROWS = {
    "leads": {"id": uuid4(), "contact_id": uuid4()},
    "logins": {"id": uuid4(), "email": "ann@example.test", "password_hash": "none"},
    "consent_evidence": {"event_id": uuid4(), "salt": b"", "content": b""},
}
Plant = Callable[[str, object], list[str]]


@pytest.fixture
def own() -> Watch:
    """Knows what is planted here, which the suite's own does not."""
    watch = Watch()
    watch.now.add_words(WORDS)
    watch.now.add_words(ANSWER, ours=True)
    watch.now.add_secret(TOKEN)
    return watch


@pytest.fixture
def plant(database: Database, own: Watch) -> Iterator[Plant]:
    """Puts a value into a column of a new row, searches, and takes it back."""
    with database.connect() as connection:
        connection.autocommit = False

        def planted(place: str, value: object) -> list[str]:
            table, column = place.split(".")
            row = {**ROWS[table], column: value}
            if table != "logins":
                row["tenant_id"] = uuid4()
            connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
            names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
            found = own.tables(connection, database.tables)
            connection.rollback()
            return found

        yield planted


@pytest.fixture
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, RedisTap]]:
    """A Redis of this test's own, listened to."""
    home = tmp_path_factory.mktemp("redis")
    started = start_redis(home)
    assert started is not None
    server = started[0]
    listening = RedisTap(server.host, server.port, server.password)
    with Redis.from_url(server.url) as redis:
        yield redis, listening
    listening.close()
    stop_redis(home)


@pytest.mark.parametrize("kind", IN_ROWS)
@pytest.mark.parametrize(
    ("place", "written"),
    [
        ("logins.password_hash", "{}"),
        ("logins.email", "{}!"),
        ("leads.fields", '{{"deep": [{{"inside": "so: {}"}}]}}'),
    ],
)
def test_a_canary_in_a_column_is_named_and_not_repeated(plant: Plant, kind: Kind, place: str, written: str) -> None:
    found = plant(place, written.format(PLANTED[kind]))

    if (place, kind) == ("leads.fields", Kind.SENT_WORDS):  # what a form said may stand there
        assert found == []
    else:
        assert found
        assert all(one.startswith(f"{place} holds {kind}") for one in found)
        assert not any(PLANTED[kind] in one for one in found)


@pytest.mark.parametrize("kind", IN_ROWS)
def test_bytes_are_read_as_the_text_that_they_might_be(plant: Plant, kind: Kind) -> None:
    found = plant("consent_evidence.content", b"\x00\xff " + PLANTED[kind].encode() + b" \x01")

    assert {one.partition(" holds ")[0] for one in found} == {"consent_evidence.content"}


@pytest.mark.parametrize(
    "written",
    [
        WORDS[:30],
        WORDS.upper(),
        WORDS.replace(" ", "\n"),
        '{"said": "COULD the tall\\nheron \\"come\\" in by the garden"}',
        "could+the+tall+heron+come+in+by",
    ],
)
def test_a_part_of_a_body_however_written_is_found(own: Watch, written: str) -> None:
    found = {one.kind for one in own.now.found(f"before {written} after", "a place")}

    assert found == {Kind.SENT_WORDS}


@pytest.mark.parametrize(
    "number", [SSN, CARD, "078051120", "4111-1111-1111-1111", "5500005555555559", "219 09 9999", "3782 822463 10005"]
)
def test_a_number_is_found_by_its_shape_or_as_the_marked_one(own: Watch, number: str) -> None:
    assert [one.kind for one in own.now.found(f"so: {number}.", "a place")]


@pytest.mark.parametrize(
    "harmless",
    [
        "4c1e4111-1111-4111-8111-111111111111",
        "SM00000000000000004539578763621486",
        "2026-11-20T16:00:00.123456+00:00",
        "+13125550171",
        "1763654400000",
        "6051234567890124",
        "seed 378282246310005",
        "(312) 555-0171",
    ],
)
def test_ids_times_and_telephone_numbers_are_neither_ssn_nor_card(harmless: str) -> None:
    assert list(Canaries().found(f'"at": "{harmless}"', "a place")) == []


@pytest.mark.parametrize("kind", [Kind.SENT_WORDS, Kind.OUR_WORDS])
def test_words_in_a_log_line_are_found_whatever_is_set_up_after_it(own: Watch, kind: Kind) -> None:
    logger = logging.getLogger("smsbot.canaries")
    logger.addHandler(own.log)
    log_event(logger, "planted", level=logging.DEBUG, state=PLANTED[kind])
    logger.removeHandler(own.log)

    found = own.lines()

    assert {one.partition(", beginning")[0] for one in found} == {f"the log holds {kind}"}
    assert own.lines() == []


@pytest.mark.parametrize("kind", Kind)
def test_a_canary_left_on_stderr_is_found(own: Watch, kind: Kind) -> None:
    assert {one.partition(", beginning")[0] for one in own.lines(stderr=f"oops: {PLANTED[kind]}\n")} == {
        f"stderr holds {kind}"
    }


@pytest.mark.parametrize("kind", IN_ROWS)
def test_a_canary_in_the_log_file_of_a_process_is_found(own: Watch, kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "worker.log"
    file.write_text(f"fine\noops: {PLANTED[kind]}\n")

    found = own.files(tmp_path)
    file.unlink()  # the whole session's files are searched at its end

    assert {one.partition(", beginning")[0] for one in found} == {f"logs/worker.log holds {kind}"}


def test_a_key_that_a_home_folder_keeps_is_looked_for_in_its_logs(own: Watch, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "postgres").write_text("a-password-of-the-server\n")
    (tmp_path / "web.log").write_text("connecting with a-password-of-the-server\n")

    found = own.files(tmp_path)
    (tmp_path / "web.log").unlink()

    assert found == ["logs/web.log holds a secret, beginning 'a-pass'".replace("logs", tmp_path.name)]


@pytest.mark.slow
def test_what_redis_was_told_is_found_though_it_is_gone(own: Watch, tap: tuple[Redis, RedisTap]) -> None:
    redis, own.redis = tap
    for key in PLANTED.values():
        redis.set("a key", f"x {key}", px=1)
        redis.delete("a key")
    told = own.lines()
    for words in PLANTED.values():
        queue = Queue("planted", connection=redis)
        queue.enqueue("worker.drain", words)
        queue.empty()
    packed = own.lines()
    redis.set("harmless", "7")

    for found in (told, packed):
        assert {one.partition(", beginning")[0] for one in found} == {f"Redis holds {kind}" for kind in Kind}
    assert own.lines() == []


@pytest.mark.slow
def test_a_canary_fails_the_test_that_left_it() -> None:
    """The suite's own set-up, on tests that leak on purpose."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rA", "tests/canaries/leaks.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 1
    ended = dict(re.findall(r"^(?:ERROR|PASSED) tests/canaries/leaks.py::test_(\w+)(?: - (.*))?$", ran.stdout, re.M))
    assert set(ended) == {"nothing", "into_a_column", "into_the_log", "into_redis", "onto_stderr"}
    errors = set(re.findall(r"^ERROR tests/canaries/leaks.py::test_(\w+)", ran.stdout, re.M))
    assert errors == {"into_a_column", "into_the_log", "into_redis", "onto_stderr"}
    for place in (
        "tenants.name holds words that were sent in",
        "the log holds",
        "Redis holds a secret",
        "stderr holds an SSN",
    ):
        assert place in ran.stdout
    assert re.search(r"^canaries: .*\b5 marked texts\b", ran.stdout, re.M)
