"""The application that tests use is the one that gunicorn serves."""

from __future__ import annotations

from tests.web import application_of
from tests.world import World
from webhooks.requests import SHARED
from wsgi import application

OF_A_RUNTIME = {"smsbot", "smsbot.latest", SHARED}


def test_a_tests_application_serves_what_the_real_one_serves(world: World) -> None:
    real, copied = application(world.runtime), application_of(world.runtime)

    assert [(rule.rule, rule.methods) for rule in real.url_map.iter_rules()] == [
        (rule.rule, rule.methods) for rule in copied.url_map.iter_rules()
    ]
    assert dict(real.config) == dict(copied.config)
    assert set(real.extensions) == set(copied.extensions)


def test_it_shares_nothing_that_belongs_to_a_runtime(world: World) -> None:
    one, other = application_of(world.runtime), application_of(world.runtime)

    assert {name for name in one.extensions if one.extensions[name] is other.extensions[name]} == (
        set(one.extensions) - OF_A_RUNTIME | {"smsbot"}
    )
    assert one.config is not other.config
