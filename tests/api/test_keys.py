"""Who may call: one key, one tenant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from smsbot.api_keys import SHAPE, key_hash, new_api_key
from smsbot.tenancy import ApiKey
from tests.api.client import Client, a_client
from tests.world import LEAD, World


def test_a_key_is_sk_and_43_characters_and_never_the_same() -> None:
    keys = {new_api_key()[0] for _ in range(200)}

    assert len(keys) == 200
    assert all(SHAPE.fullmatch(key) for key in keys)


def test_only_the_hash_of_a_key_finds_it() -> None:
    key, digest = new_api_key()

    assert digest == key_hash(key)
    assert len(digest) == 32
    assert key.encode() not in digest


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(client: Client, scheme: str) -> None:
    answer = client.call("GET", "/conversations", headers={"Authorization": f"{scheme} {client.key}"})

    assert answer.status_code == 200


def test_every_kind_of_wrong_key_gets_the_same_401(world: World, client: Client) -> None:
    revoked = a_client(world)
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(ApiKey).where(ApiKey.id == revoked.key_id).values(revoked_at=datetime.now(UTC)))
    wrong = [
        "", "Bearer", "Bearer ", f"Bearer {new_api_key()[0]}", f"Bearer {revoked.key}", f"Basic {client.key}",
        f"Bearer {client.key}x", f"Bearer {client.key[:-1]}", f"Bearer {client.key} {client.key}", client.key,
        "Bearer sk_" + "é" * 43, f"Bearer {key_hash(client.key).hex()}",
    ]  # fmt: skip
    answers = [client.call("GET", f"/leads/{LEAD}", headers={"Authorization": header}) for header in wrong]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.get_data() for answer in answers}) == 1
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer") for answer in answers)


def test_a_key_opens_its_own_tenant_only(world: World) -> None:
    other = a_client(world, world.business("Hillside Motors", "+13125550101"))
    mine = a_client(world)
    mine.post_lead({"number": LEAD, "name": "Sam"})

    assert mine.get(f"/leads/{LEAD}").status_code == 200
    assert other.get(f"/leads/{LEAD}").status_code == 404
