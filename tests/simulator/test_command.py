"""`python -m simulator` as a person starts it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
ACCOUNT = {"sid": "AC" + "1" * 32, "token": "t", "numbers": [{"number": "+14155550101"}]}
COMMAND = [sys.executable, "-m", "simulator"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_interrupted_and_leaves_its_log(tmp_path, number):
    accounts, log = tmp_path / "accounts.json", tmp_path / "log.jsonl"
    accounts.write_text(json.dumps([ACCOUNT]))
    arguments = ["--port", "0", "--seed", "5", "--accounts", str(accounts), "--log", str(log)]
    with subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        form = {"To": "+13125550150", "From": "+14155550101", "Body": "hi"}
        made = requests.post(
            f"{url}/2010-04-01/Accounts/{ACCOUNT['sid']}/Messages.json",
            data=form,
            auth=(ACCOUNT["sid"], "t"),
            timeout=5,
        )
        process.send_signal(number)
        code = process.wait(5)

    assert (made.status_code, code) == (201, 0)
    assert [json.loads(line)["kind"] for line in log.read_text().splitlines()] == ["request", "accepted"]


@pytest.mark.parametrize(
    "arguments",
    [["--host", "0.0.0.0"], ["--target", "http://example.com"], ["--accounts", "/nowhere"], ["--port", "x"]],
)
def test_bad_arguments_exit_with_2_and_one_clear_line(arguments):
    done = subprocess.run(
        [*COMMAND, "--port", "0", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
    )

    assert done.returncode == 2
    assert "error:" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
