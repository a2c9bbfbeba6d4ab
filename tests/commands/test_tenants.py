"""What the commands write about tenants is what the product reads."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

import pytest

from smsbot.passwords import password_matches
from tests.commands.conftest import ACCOUNT, OTHER_ACCOUNT, SERVICE, TOKEN, Command, add_tenant
from tests.conftest import Database

STRANGER = "00000000-0000-4000-8000-000000000001"
PASSWORD = "orchard-lantern-42"


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return connection.execute(query).fetchall()


def shown(number: str, sender: str, opt_out: str, service: str | None = None) -> dict[str, str | None]:
    return {"number": number, "sender": sender, "opt_out": opt_out, "messaging_service_sid": service}


def test_a_new_tenant_has_a_long_code_that_the_carrier_answers_for(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    assert rows(database, "SELECT id, name, brand, zone, demo FROM tenants") == [
        (UUID(tenant), "Harbor Homes", "Harbor Homes", "America/Chicago", False)
    ]
    assert rows(database, "SELECT number, sender_type, opt_out_handling FROM numbers") == [
        ("+13125550110", "long_code", "twilio")
    ]


def test_the_token_is_stored_encrypted(command: Command, database: Database) -> None:
    add_tenant(command)

    ((account, kind, state, secret),) = rows(database, "SELECT account_sid, kind, state, secret FROM credentials")
    assert (account, kind, state) == (ACCOUNT, "auth_token", "current")
    assert isinstance(secret, bytes)
    assert TOKEN.encode() not in secret


def test_tenant_set_changes_what_is_given_and_nothing_else(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    done = command("tenant", "set", "--tenant", tenant, "--brand", "Harbor", "--help-phone", "312-555-0199")

    assert done.code == 0
    assert rows(database, "SELECT name, brand, help_phone, help_email, zone FROM tenants") == [
        ("Harbor Homes", "Harbor", "312-555-0199", None, "America/Chicago")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["tenant", "set", "--brand", "X"],
        ["number", "add", "--number", "+13125550111"],
        ["number", "set", "--number", "+13125550111", "--opt-out", "ours"],
        ["credentials", "set", "--account-sid", ACCOUNT, "--auth-token-stdin"],
        ["credentials", "retire"],
        ["credentials", "shared-key", "--key-stdin"],
        ["agent", "add", "--email", "dana@harbor.example", "--role", "agent", "--password-stdin"],
        ["apikey", "add", "--name", "site"],
        ["consent", "verify"],
        ["consent", "export", "--number", "+13125550171"],
    ],
)
def test_an_unknown_tenant_is_refused(command: Command, arguments: list[str]) -> None:
    done = command(*arguments, "--tenant", STRANGER, stdin=f"{PASSWORD}\n")

    assert (done.code, done.out) == (2, "")
    assert done.err == f"--tenant: there is no tenant {STRANGER}: manage.py tenant list shows them all\n"


def test_every_tenant_is_listed_with_its_name_and_numbers(command: Command) -> None:
    first, second = add_tenant(command), add_tenant(command, number="+13125550113")
    command("tenant", "set", "--tenant", second, "--brand", "Harbor")
    command("number", "add", "--tenant", second, "--number", "12345", "--sender", "short_code")

    done = command("tenant", "list")

    assert (done.code, done.err) == (0, "")
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {
            "tenant_id": first,
            "name": "Harbor Homes",
            "brand": "Harbor Homes",
            "numbers": [shown("+13125550110", "long_code", "twilio")],
        },
        {
            "tenant_id": second,
            "name": "Harbor Homes",
            "brand": "Harbor",
            "numbers": [shown("+13125550113", "long_code", "twilio"), shown("12345", "short_code", "ours")],
        },
    ]


def test_a_tenant_id_that_is_none_says_where_they_are(run: Command) -> None:
    done = run("apikey", "add", "--tenant", "harbor", "--name", "site")

    assert done.code == 2
    assert "manage.py tenant list" in done.err


def test_a_number_is_added_and_changed(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    added = command("number", "add", "--tenant", tenant, "--number", "+18005550111", "--sender", "toll_free")
    changed = command(
        "number", "set", "--tenant", tenant, "--number", "+18005550111", "--messaging-service-sid", SERVICE,
        "--opt-out", "advanced",
    )  # fmt: skip

    assert added.json == {"tenant_id": tenant, **shown("+18005550111", "toll_free", "twilio")}
    assert changed.json == {"tenant_id": tenant, **shown("+18005550111", "toll_free", "advanced", SERVICE)}
    assert rows(
        database,
        "SELECT sender_type, messaging_service_sid, opt_out_handling FROM numbers WHERE number = '+18005550111'",
    ) == [("toll_free", SERVICE, "advanced")]


@pytest.mark.parametrize("arguments", [[], ["--sender", "short_code"]])
def test_we_answer_for_a_short_code_unless_said_otherwise(command: Command, arguments: list[str]) -> None:
    tenant = add_tenant(command)

    done = command("number", "add", "--tenant", tenant, "--number", "12345", *arguments)

    assert done.json == {"tenant_id": tenant, **shown("12345", "short_code", "ours")}


def test_a_number_that_becomes_a_short_code_loses_the_carriers_default_answers(command: Command) -> None:
    tenant = add_tenant(command)
    setting = ["number", "set", "--tenant", tenant, "--number", "+13125550110"]

    becomes = command(*setting, "--sender", "short_code")
    command(*setting, "--opt-out", "advanced")
    stays = command(*setting, "--sender", "short_code")

    assert becomes.json["opt_out"] == "ours"
    assert stays.json["opt_out"] == "advanced"


@pytest.mark.parametrize("verb", ["add", "set"])
def test_the_carrier_has_no_default_answers_for_a_short_code(command: Command, database: Database, verb: str) -> None:
    tenant = add_tenant(command)
    command("number", "add", "--tenant", tenant, "--number", "12345")
    number = "12345" if verb == "set" else "54321"

    done = command("number", verb, "--tenant", tenant, "--number", number, "--opt-out", "twilio")

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("--opt-out: the carrier answers no STOP, HELP or START for a short code: ")
    assert rows(database, "SELECT number, opt_out_handling FROM numbers ORDER BY number") == [
        ("+13125550110", "twilio"),
        ("12345", "ours"),
    ]


def test_a_number_is_added_once(command: Command) -> None:
    tenant = add_tenant(command)

    done = command("number", "add", "--tenant", tenant, "--number", "+13125550110")

    assert (done.code, done.err) == (2, "+13125550110 is a number of this tenant already: use number set\n")


def test_a_number_that_a_tenant_does_not_have_cannot_be_changed(command: Command) -> None:
    tenant = add_tenant(command)

    done = command("number", "set", "--tenant", tenant, "--number", "+13125550112", "--opt-out", "ours")

    assert done.code == 2
    assert "use number add" in done.err


def test_two_tenants_never_share_a_number_of_one_account(command: Command, database: Database) -> None:
    add_tenant(command)

    done = command(
        "tenant", "add", "--name", "Copy", "--timezone", "America/Chicago", "--number", "+13125550110",
        "--account-sid", ACCOUNT, "--auth-token-stdin", stdin="5e" * 16 + "\n",
    )  # fmt: skip

    assert done.code == 2
    assert "there is a tenant with +13125550110 of this account already" in done.err
    assert rows(database, "SELECT count(*) FROM tenants") == [(1,)]


def test_a_tenant_that_is_there_already_is_named(command: Command) -> None:
    tenant = add_tenant(command)

    done = command(
        "tenant", "add", "--name", "Harbor Homes", "--timezone", "America/Chicago", "--number", "+13125550110",
        "--account-sid", ACCOUNT, "--auth-token-stdin", stdin=f"{TOKEN}\n",
    )  # fmt: skip

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"there is a tenant with +13125550110 of this account already, {tenant} (Harbor Homes): "
        "change it with tenant set, number set or credentials set\n"
    )


def test_two_tenants_may_share_an_account(command: Command) -> None:
    first = add_tenant(command)
    second = add_tenant(command, number="+13125550113")

    assert first != second


def test_two_tenants_never_share_a_messaging_service(command: Command) -> None:
    first = add_tenant(command)
    second = add_tenant(command, number="+13125550113", account=OTHER_ACCOUNT)
    service = ["--messaging-service-sid", SERVICE]
    command("number", "set", "--tenant", first, "--number", "+13125550110", *service)

    changed = command("number", "set", "--tenant", second, "--number", "+13125550113", *service)
    added = command("number", "add", "--tenant", second, "--number", "+13125550114", *service)

    assert (changed.code, added.code) == (2, 2)
    assert (
        changed.err
        == added.err
        == f"the Messaging Service {SERVICE} belongs to another tenant, {first} (Harbor Homes)\n"
    )


def test_moving_to_an_account_where_another_tenant_has_the_number_is_refused(command: Command) -> None:
    add_tenant(command)
    second = add_tenant(command, account=OTHER_ACCOUNT)

    done = command(
        "credentials", "set", "--tenant", second, "--account-sid", ACCOUNT, "--auth-token-stdin", stdin="5e" * 16 + "\n"
    )

    assert done.code == 2
    assert "belongs to another tenant" in done.err


def test_the_old_token_stays_valid_until_it_is_retired(command: Command, database: Database) -> None:
    tenant = add_tenant(command)
    states = "SELECT state, length(secret) > 0 FROM credentials ORDER BY created_at"
    setting = ["credentials", "set", "--tenant", tenant, "--account-sid", ACCOUNT, "--auth-token-stdin"]

    command(*setting, stdin="5e" * 16 + "\n")
    after_setting = rows(database, states)
    retired = command("credentials", "retire", "--tenant", tenant)

    assert after_setting == [("previous", True), ("current", True)]
    assert retired.json["retired"] == 1
    assert rows(database, states) == [("retired", False), ("current", True)]


@pytest.mark.parametrize("token", ["short", "4d" * 15, "4d" * 17, "4g" * 16])
def test_a_token_unlike_the_carriers_is_taken_with_a_warning_that_does_not_repeat_it(
    command: Command, database: Database, token: str
) -> None:
    added = command(
        "tenant", "add", "--name", "Harbor Homes", "--timezone", "America/Chicago", "--number", "+13125550110",
        "--account-sid", ACCOUNT, "--auth-token-stdin", stdin=f"{token}\n",
    )  # fmt: skip
    tenant = added.json["tenant_id"]
    changed = command(
        "credentials", "set", "--tenant", tenant, "--account-sid", ACCOUNT, "--auth-token-stdin",
        stdin=f"{token[::-1]}\n",
    )  # fmt: skip

    warning = "warning: this auth token is not 32 hexadecimal digits, as the carrier's are: is it the right one?\n"
    assert (added.code, added.err) == (0, warning)
    assert (changed.code, changed.err) == (0, warning)
    assert token not in added.err
    assert rows(database, "SELECT count(*) FROM tenants") == [(1,)]


def test_setting_the_same_token_again_changes_nothing(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    done = command(
        "credentials", "set", "--tenant", tenant, "--account-sid", ACCOUNT, "--auth-token-stdin", stdin=f"{TOKEN}\n"
    )

    assert done.json["changed"] is False
    assert rows(database, "SELECT state FROM credentials") == [("current",)]


def test_a_shared_key_belongs_to_the_tenants_account(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    command("credentials", "shared-key", "--tenant", tenant, "--key-stdin", stdin="shared-secret\n")

    assert rows(database, "SELECT account_sid, kind, state FROM credentials ORDER BY created_at") == [
        (ACCOUNT, "auth_token", "current"),
        (ACCOUNT, "shared_key", "current"),
    ]


def test_an_agent_signs_in_with_the_password_that_was_given(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    done = command(
        "agent", "add", "--tenant", tenant, "--email", "Dana@Harbor.example", "--role", "owner", "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )  # fmt: skip

    assert done.code == 0
    ((email, kept, role, name),) = rows(
        database, "SELECT l.email, l.password_hash, a.role, a.name FROM logins l JOIN agents a ON a.login_id = l.id"
    )
    assert (email, role, name) == ("dana@harbor.example", "owner", "Dana")
    assert password_matches(PASSWORD, str(kept))


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "Password12345"])
def test_a_weak_password_is_refused(command: Command, database: Database, password: str) -> None:
    tenant = add_tenant(command)

    done = command(
        "agent", "add", "--tenant", tenant, "--email", "dana@harbor.example", "--role", "agent", "--password-stdin",
        stdin=f"{password}\n",
    )  # fmt: skip

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("--password-stdin: ")
    assert password not in done.err
    assert rows(database, "SELECT count(*) FROM logins") == [(0,)]


def test_a_login_of_two_tenants_keeps_its_password(command: Command, database: Database) -> None:
    first, second = add_tenant(command), add_tenant(command, number="+13125550113")

    def add(tenant: str, password: str) -> int:
        arguments = ["--email", "dana@harbor.example", "--role", "agent", "--password-stdin"]
        return command("agent", "add", "--tenant", tenant, *arguments, stdin=f"{password}\n").code

    assert add(first, PASSWORD) == 0
    assert add(second, "another-lantern-43") == 2
    assert add(second, PASSWORD) == 0
    assert add(second, PASSWORD) == 2  # staff there already
    assert rows(database, "SELECT count(*) FROM logins") == [(1,)]


def test_an_api_key_is_shown_once_and_kept_as_a_hash(command: Command, database: Database) -> None:
    tenant = add_tenant(command)

    key = command("apikey", "add", "--tenant", tenant, "--name", "web site").json["key"]

    assert rows(database, "SELECT tenant_id, name, key_hash FROM api_keys") == [
        (UUID(tenant), "web site", hashlib.sha256(key.encode()).digest())
    ]
