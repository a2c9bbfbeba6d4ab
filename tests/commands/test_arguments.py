"""Bad arguments: exit code 2, one line that says what to do, and never a traceback."""

from __future__ import annotations

import pytest

import manage
from tests.commands.conftest import ACCOUNT, Command
from tests.conftest import Database

TENANT = "00000000-0000-4000-8000-000000000001"
ADD = ["tenant", "add", "--name", "Harbor", "--timezone", "America/Chicago", "--number", "+13125550110"]
ADD += ["--account-sid", ACCOUNT, "--auth-token-stdin"]

AS_SHORT_CODE = ["number", "set", "--tenant", TENANT, "--number", "+13125550110", "--sender", "short_code"]


def replaced(option: str, value: str) -> list[str]:
    arguments = list(ADD)
    arguments[arguments.index(option) + 1] = value
    return arguments


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["tenant", "remove"], "remove"),
        (["worker", "--queue", "both"], "--queue"),
        (["web", "--only", "api"], "--only"),
        (["up", "--nonsense"], "--nonsense"),
        (["migrate", "now"], "now"),
        (["tenant", "add", "--name", "Harbor"], "--timezone"),
        (replaced("--timezone", "Mars/Olympus"), "--timezone"),
        (replaced("--timezone", "CST"), "--timezone"),
        (replaced("--number", "312 555 0110"), "--number"),
        (replaced("--number", "+1312"), "--number"),
        (replaced("--number", "+13125550110;ext=4"), "--number"),
        (replaced("--account-sid", "SK" + "1" * 32), "--account-sid"),
        (replaced("--account-sid", "AC123"), "--account-sid"),
        (replaced("--name", " \t"), "--name"),
        (ADD[:-1], "--auth-token-stdin"),
        (["tenant", "set", "--tenant", "harbor"], "--tenant"),
        (["tenant", "set", "--tenant", TENANT], "at least one"),
        (["tenant", "set", "--tenant", TENANT, "--help-email", "nobody"], "--help-email"),
        (["number", "set", "--tenant", TENANT, "--number", "+13125550110"], "at least one"),
        (["number", "add", "--tenant", TENANT, "--number", "12345", "--sender", "long_code"], "short_code"),
        (["number", "add", "--tenant", TENANT, "--number", "+13125550110", "--opt-out", "us"], "--opt-out"),
        (
            ["number", "add", "--tenant", TENANT, "--number", "+13125550110", "--messaging-service-sid", "MG1"],
            "--messaging-service-sid",
        ),
        (["credentials", "set", "--tenant", TENANT], "--account-sid"),
        (["credentials", "shared-key", "--tenant", TENANT], "--key-stdin"),
        (["agent", "add", "--tenant", TENANT, "--email", "dana", "--role", "agent", "--password-stdin"], "--email"),
        (
            ["agent", "add", "--tenant", TENANT, "--email", "d@x.example", "--role", "boss", "--password-stdin"],
            "--role",
        ),
        (["apikey", "add", "--tenant", TENANT], "--name"),
        (["consent", "export", "--tenant", TENANT], "--number"),
        (["consent", "export", "--tenant", TENANT, "--number", " "], "give the number in E.164"),
        (
            ["number", "add", "--tenant", TENANT, "--number", "12345", "--opt-out", "twilio"],
            "--opt-out: the carrier answers no STOP, HELP or START for a short code",
        ),
        (
            [*AS_SHORT_CODE, "--opt-out", "twilio"],
            "--opt-out: the carrier answers no STOP, HELP or START for a short code",
        ),
        (["consent", "verify", "--tenant", "all"], "--tenant"),
        (["explain", "SM1"], "MESSAGE_ID"),
        (["leads", "import", "--tenant", TENANT, "--file", "nowhere.csv"], "--file"),
        (["leads", "import", "--tenant", TENANT, "--file", __file__, "--mapping", "Phone"], "--mapping"),
        (["leads", "import", "--tenant", TENANT, "--file", __file__, "--evidence", "proof=x"], "--evidence"),
    ],
)
def test_bad_arguments_exit_with_2_and_one_line_that_names_them(run: Command, arguments: list[str], named: str) -> None:
    done = run(*arguments, stdin="secret\n")

    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert named in done.err


@pytest.mark.parametrize("arguments", [[], *([name] for name in manage.COMMANDS)])
def test_every_command_has_help(run: Command, arguments: list[str]) -> None:
    done = run(*arguments, "--help")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(['manage.py', *arguments])}")


def test_help_lists_every_command_of_the_contract(run: Command) -> None:
    names = [
        "up",
        "web",
        "worker",
        "scheduler",
        "migrate",
        "demo",
        "doctor",
        "tenant",
        "number",
        "credentials",
        "agent",
        "apikey",
        "consent",
        "explain",
    ]

    listed = run("--help").out

    assert [name for name in names if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize("stdin", ["", "\n", "  \n", "two words\n", "x" * 300, "a\nb\n"])
def test_an_unusable_token_on_stdin_is_refused_without_repeating_it(run: Command, stdin: str) -> None:
    done = run(*ADD, stdin=stdin)

    assert (done.code, done.out) == (2, "")
    assert "auth token" in done.err
    assert done.err.count("\n") == 1
    assert "two words" not in done.err and "xxx" not in done.err


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_a_process_without_a_database_says_what_to_set(run: Command, name: str) -> None:
    done = run(name)

    assert (done.code, done.err) == (2, "set DATABASE_URL, or start everything with: manage.py up\n")


def test_a_database_that_does_not_answer_is_one_line(run: Command, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/none")

    done = run("consent", "verify")

    assert done.code == 2
    assert "does not answer" in done.err
    assert done.err.count("\n") == 1
    assert "hush" not in done.err


def test_a_database_that_was_not_migrated_is_one_line_that_says_so(
    run: Command, variables: pytest.MonkeyPatch, database: Database
) -> None:
    variables.setenv("DATABASE_URL", database.superuser_url.replace("/smsbot", "/postgres"))

    done = run("consent", "verify")

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "manage.py migrate" in done.err


def test_settings_that_are_wrong_are_named(run: Command, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("PORT", "eighty")

    done = run("doctor")

    assert (done.code, done.err) == (2, "PORT: set a whole number from 1 to 65535\n")
