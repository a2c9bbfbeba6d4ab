"""The embedded PostgreSQL: started, adopted and recovered, whatever happened before."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from smsbot.errors import ConfigurationError
from smsbot.servers import live
from smsbot.servers.postgres import PostgresServer, running_postgres, start_postgres, stop_postgres

RESTART_LIMIT_S = 3.0
ROOT = os.geteuid() == 0  # whoever is not is a normal user already: each rule below says what it means for both

START_AND_WAIT = """
import sys
from pathlib import Path
from smsbot.servers.postgres import start_postgres
server, process = start_postgres(Path(sys.argv[1]), fsync=False)
print(server.pid, "adopted" if process is None else "started")
sys.stdin.read()
"""

# The interpreter may lie in a folder that only root can enter: everything is imported before the user changes.
START_AS_NORMAL_USER = """
import encodings.idna, os, pwd, sys
from pathlib import Path
import psycopg
from smsbot.servers.postgres import start_postgres, stop_postgres
home = Path(sys.argv[1])
if os.geteuid() == 0:
    entry = pwd.getpwnam("nobody")
    os.chown(home, entry.pw_uid, entry.pw_gid)
    os.setgroups([]); os.setgid(entry.pw_gid); os.setuid(entry.pw_uid)
os.chdir("/")
server, _ = start_postgres(home, fsync=False)
with psycopg.connect(server.url()) as connection:
    print(connection.execute("select 40 + 2").fetchone()[0], home.joinpath("postgres").stat().st_uid == entry.pw_uid)
stop_postgres(home)
"""


def put_row(server: PostgresServer) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (42)")


def rows(server: PostgresServer) -> list[tuple[int]]:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("select n from kept").fetchall()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-"))
    folder.chmod(0o755)
    yield folder
    with suppress(ConfigurationError):
        stop_postgres(folder / "home", 5)
    shutil.rmtree(folder, ignore_errors=True)


def test_second_start_keeps_data_password_and_port(home):
    server, _ = start_postgres(home)
    put_row(server)
    assert stop_postgres(home)

    began = time.monotonic()
    again, process = start_postgres(home)
    assert time.monotonic() - began < RESTART_LIMIT_S
    assert process is not None
    assert rows(again) == [(42,)]
    assert (again.port, again.superuser_password) == (server.port, server.superuser_password)


def test_running_server_is_adopted(home):
    server, process = start_postgres(home, fsync=False)

    assert process is not None
    assert start_postgres(home, fsync=False) == (server, None)
    assert running_postgres(home) == server


def test_stopped_server_is_gone(home):
    server, process = start_postgres(home, fsync=False)

    assert stop_postgres(home)
    assert process is not None
    assert process.wait() == 0
    assert running_postgres(home) is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url())


def test_what_is_secret_is_for_its_owner_only(home):
    server, _ = start_postgres(home, fsync=False)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home / "keys", home / "keys" / "postgres", server.data)]
    assert modes == [0o700, 0o600, 0o700]
    assert server.superuser_password not in repr(server)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url(password="wrong"))


def test_killed_server_starts_again_with_its_data(home):
    server, process = start_postgres(home)
    put_row(server)
    os.kill(server.pid, signal.SIGKILL)
    assert process is not None
    process.wait()

    again, process = start_postgres(home)
    assert process is not None
    assert rows(again) == [(42,)]
    assert again.port == server.port


def test_backend_that_outlives_its_killed_server_is_ended(home):
    server, process = start_postgres(home, fsync=False)
    connection = psycopg.connect(server.url())

    def count() -> None:
        with suppress(psycopg.Error):
            connection.execute("select count(*) from generate_series(1, 10000000000)")

    busy = threading.Thread(target=count)
    busy.start()
    with psycopg.connect(server.url()) as watcher:
        question = "select count(*) from pg_stat_activity where state = 'active' and pid = %s"
        while watcher.execute(question, (connection.info.backend_pid,)).fetchone() != (1,):
            watcher.rollback()
    os.kill(server.pid, signal.SIGKILL)
    assert process is not None
    process.wait()
    assert live(connection.info.backend_pid)

    began = time.monotonic()
    start_postgres(home, fsync=False)
    assert time.monotonic() - began < RESTART_LIMIT_S
    busy.join(5)
    assert not busy.is_alive()
    connection.close()


def test_killed_starter_leaves_a_folder_that_starts(home, starter):
    first = starter(START_AND_WAIT, home)
    pid = int(first.stdout.readline().split()[0])
    server = running_postgres(home)
    assert server is not None
    assert server.pid == pid
    put_row(server)
    first.kill()
    first.wait()

    again, process = start_postgres(home, fsync=False)
    assert rows(again) == [(42,)]
    assert process is not None or again.pid == pid
    if sys.platform == "linux":
        assert live(pid) is None


def test_starter_killed_during_initdb_does_not_block_the_next(home, starter, wait_for):
    first = starter(START_AND_WAIT, home)
    assert wait_for(lambda: list(home.glob("postgres.new-*/data/PG_VERSION")))
    first.kill()
    first.wait()
    assert not (home / "postgres").exists()

    server, _ = start_postgres(home, fsync=False)
    put_row(server)
    assert rows(server) == [(42,)]


def test_pid_file_that_names_a_stranger_is_stale(home):
    start_postgres(home, fsync=False)
    written = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    stop_postgres(home)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (home / "postgres" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *written[1:]]) + "\n")

        server, _ = start_postgres(home, fsync=False)
        assert server.pid != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


def test_of_two_starts_at_once_one_starts_and_one_adopts(home, starter):
    both = [starter(START_AND_WAIT, home) for _ in range(2)]

    answers = [process.stdout.readline().split() for process in both]
    assert sorted(how for _, how in answers) == ["adopted", "started"]
    assert len({pid for pid, _ in answers}) == 1


def test_path_may_be_long_and_hold_spaces_and_quotes(tmp_path):
    home = tmp_path / ("long " * 30) / 'it\'s a "home"'
    try:
        server, _ = start_postgres(home, fsync=False)

        assert len(str(server.data)) > 107
        put_row(server)
        assert rows(server) == [(42,)]
    finally:
        stop_postgres(home)


def test_taken_port_is_given_up(home):
    server, _ = start_postgres(home, fsync=False)
    stop_postgres(home)
    with socket.create_server((server.host, server.port)):
        again, _ = start_postgres(home, fsync=False)

        assert again.port != server.port
    with psycopg.connect(again.url()):
        pass


def test_log_holds_no_words_of_a_failed_statement(home):
    server, _ = start_postgres(home, fsync=False)
    with psycopg.connect(server.url()) as connection, pytest.raises(psycopg.Error):
        connection.execute("select 'my secret text'::int")

    log = (home / "logs" / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "secret" not in log


def test_server_that_cannot_start_names_its_log(home):
    with pytest.raises(ConfigurationError, match=r"no_such_setting.*logs/postgres\.log"):
        start_postgres(home, fsync=False, extra=("-c", "no_such_setting=1"))


def break_version(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").write_text("15\n")


def break_password(home: Path) -> None:
    (home / "keys" / "postgres").unlink()


def break_data(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").unlink()


@pytest.mark.parametrize(
    ("damage", "advice"),
    [
        (break_version, "made by PostgreSQL 15"),
        (break_password, "put .* back from a backup"),
        (break_data, "move it away"),
    ],
)
def test_folder_that_cannot_be_used_is_refused_with_advice(home, damage, advice):
    start_postgres(home, fsync=False)
    stop_postgres(home)
    damage(home)

    with pytest.raises(ConfigurationError, match=advice):
        start_postgres(home, fsync=False)


def test_lock_of_another_container_keeps_the_folder_closed(home, starter):
    start_postgres(home, fsync=False)
    stop_postgres(home)
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held'); sys.stdin.read()"
    other = starter(code, home / "run" / "postgres.in-use")
    other.stdout.readline()

    with pytest.raises(ConfigurationError, match="another container"):
        start_postgres(home, fsync=False)


def test_url_is_percent_encoded(tmp_path):
    server = PostgresServer("127.0.0.1", 5433, 1, tmp_path, "a/b@c:d")

    assert server.url() == "postgresql://postgres:a%2Fb%40c%3Ad@127.0.0.1:5433/postgres"
    assert server.url("x y", "app", "p w") == "postgresql://app:p%20w@127.0.0.1:5433/x%20y"


def test_normal_user_starts_it_plainly(open_folder, starter):
    home = open_folder / "home"
    home.mkdir()
    out, _ = starter(START_AS_NORMAL_USER, home).communicate(timeout=30)

    assert out.split() == ["42", "True"]


def test_without_user_namespaces_nobody_runs_it_as_root(open_folder, starter):
    home = open_folder / "home"
    assert starter(START_AND_WAIT, home, PATH="/nonexistent").communicate(timeout=30)[0].endswith("started\n")

    assert (home / "postgres").stat().st_uid != 0
    server, process = start_postgres(home, fsync=False)
    assert process is not None
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("select 42").fetchone() == (42,)


def test_who_loses_user_namespaces_keeps_the_data(open_folder, starter):
    home = open_folder / "home"
    server, _ = start_postgres(home, fsync=False)
    put_row(server)
    stop_postgres(home)
    second = starter(START_AND_WAIT, home, PATH="/nonexistent")
    assert second.stdout.readline().endswith("started\n")

    server = running_postgres(home)
    assert server is not None
    assert rows(server) == [(42,)]


def test_a_closed_folder_is_the_owners_own_and_root_is_told_what_to_do(open_folder, starter):
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    code = START_AND_WAIT.replace("import sys", "import sys\nsys.stderr = sys.stdout", 1)
    out, _ = starter(code, closed / "home", PATH="/nonexistent").communicate(timeout=30)

    if ROOT:
        assert "ConfigurationError" in out
        assert "start as another user" in out
    else:
        assert out.endswith("started\n")
