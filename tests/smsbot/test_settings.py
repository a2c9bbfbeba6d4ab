from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.errors import ConfigurationError
from smsbot.settings import assert_timeouts_fit, is_loopback, load_settings, sqlalchemy_url, weakness_of

PROJECT = Path(__file__).parents[2]
GOOD_SECRET = "k7Qw-93hTzB_xv2LmPq8RdYs0NfUa1Jc5EgWo6Hi"
KEY_ONE = base64.b64encode(bytes(range(100, 132))).decode()
KEY_TWO = base64.urlsafe_b64encode(bytes(range(220, 252))).decode()
PRODUCTION = {
    "SMSBOT_ENV": "production",
    "SECRET_KEY": GOOD_SECRET,
    "ENCRYPTION_KEYS": f"{KEY_ONE},{KEY_TWO}",
    "PUBLIC_URL": "https://texts.example.com",
    "DATABASE_URL": "postgresql://app:pw-canary@db.example.com:5432/smsbot?sslmode=require",
    "REDIS_URL": "rediss://:redis-canary@cache.example.com:6380/0",
}


def refusal(environ: dict[str, str], folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, folder)
    return str(caught.value)


def test_nothing_set_is_a_development_machine_with_everything_embedded(tmp_path):
    settings = load_settings({}, tmp_path)

    assert not settings.production
    assert settings.embedded_database and settings.embedded_redis and settings.sqlalchemy_url is None
    assert settings.home == tmp_path / ".smsbot"
    assert settings.public_url == "http://127.0.0.1:8000" and not settings.https
    assert (settings.host, settings.port, settings.trusted_proxies) == ("127.0.0.1", 8000, 0)
    assert (settings.reply_wait_s, settings.model_budget_s, settings.number_mps) == (4.0, 4.5, None)
    assert (settings.web_workers, settings.reply_workers, settings.reply_concurrency) == (1, 1, 200)
    assert not settings.model_configured


def test_every_variable_is_read(tmp_path):
    settings = load_settings(
        {
            "DATABASE_URL": "postgres://app@db/smsbot",
            "REDIS_URL": "redis://127.0.0.1:6390/3",
            "SMSBOT_HOME": "state",
            "PUBLIC_URL": "https://texts.example.com/",
            "HOST": "0.0.0.0",
            "PORT": "8100",
            "TRUSTED_PROXIES": "2",
            "SECRET_KEY": "short but this is a laptop",
            "ENCRYPTION_KEYS": f" {KEY_TWO} , {KEY_ONE} ",
            "TWILIO_API_URL": "http://127.0.0.1:9100/",
            "SMSBOT_SIMULATOR_URL": "http://localhost:9200",
            "OPENAI_BASE_URL": "http://127.0.0.1:9300/v1/",
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_MODEL": "small",
            "REPLY_WAIT_S": "0.5",
            "MODEL_BUDGET_S": "3",
            "NUMBER_MPS": "12.5",
            "WEB_WORKERS": "2",
            "WEB_THREADS": "8",
            "REPLY_WORKERS": "3",
            "REPLY_CONCURRENCY": "50",
            "SMTP_URL": "smtp://mail.example.com:587",
        },
        tmp_path,
    )

    assert settings.sqlalchemy_url == "postgresql+psycopg://app@db/smsbot"
    assert settings.redis_url == "redis://127.0.0.1:6390/3"
    assert settings.home == tmp_path / "state"
    assert settings.public_url == "https://texts.example.com" and settings.https
    assert (settings.host, settings.port, settings.trusted_proxies) == ("0.0.0.0", 8100, 2)
    assert settings.encryption_keys == (bytes(range(220, 252)), bytes(range(100, 132)))
    assert settings.twilio_api_url == "http://127.0.0.1:9100"
    assert settings.extra_media_hosts == {"127.0.0.1", "localhost"}
    assert settings.openai_base_url == "http://127.0.0.1:9300/v1" and settings.model_configured
    assert (settings.openai_api_key, settings.openai_model) == ("sk-test", "small")
    assert (settings.reply_wait_s, settings.model_budget_s, settings.number_mps) == (0.5, 3.0, 12.5)
    assert (settings.web_workers, settings.web_threads) == (2, 8)
    assert (settings.reply_workers, settings.reply_concurrency) == (3, 50)
    assert settings.smtp_url == "smtp://mail.example.com:587"


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:81"), ("::", "http://127.0.0.1:81"), ("::1", "http://[::1]:81")]
)
def test_the_unset_public_url_can_be_called(tmp_path, host, url):
    assert load_settings({"HOST": host, "PORT": "81"}, tmp_path).public_url == url


def test_dotenv_is_read_as_a_shell_would(tmp_path):
    (tmp_path / ".env").write_text(
        "\ufeff# our machine\n\nexport PORT=8200\n  OPENAI_MODEL = 'a # b'  # the comment\n"
        'SECRET_KEY="say \\"hi\\"\\n$HOME"\nPUBLIC_URL=https://x.example.com # ours\nHOST=\nOPENAI_API_KEY=a#b\r\n',
        encoding="utf-8",
    )

    settings = load_settings({}, tmp_path)

    assert settings.port == 8200
    assert settings.openai_model == "a # b"
    assert settings.secret_key == 'say "hi"\n$HOME'
    assert settings.public_url == "https://x.example.com"
    assert settings.host == "127.0.0.1"
    assert settings.openai_api_key == "a#b"


def test_the_environment_wins_over_dotenv_unless_it_is_empty(tmp_path):
    (tmp_path / ".env").write_text("PORT=8200\nOPENAI_MODEL=file\n")

    settings = load_settings({"PORT": "8300", "OPENAI_MODEL": ""}, tmp_path)

    assert (settings.port, settings.openai_model) == (8300, "file")


@pytest.mark.parametrize("line", ["PORT 8200", "=x", 'SECRET_KEY="canary', "SECRET_KEY='canary'tail", "1A=2"])
def test_a_bad_line_of_dotenv_is_named_by_number_and_not_repeated(tmp_path, line):
    (tmp_path / ".env").write_text(f"PORT=8200\n{line}\n")

    message = refusal({}, tmp_path)

    assert ".env line 2" in message and "canary" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMSBOT_ENV", "prod"),
        ("DATABASE_URL", "mysql://canary@h/db"),
        ("DATABASE_URL", "sqlite:///canary.db"),
        ("DATABASE_URL", "canary"),
        ("REDIS_URL", "http://canary"),
        ("REDIS_URL", "redis://h:canary/0"),
        ("PUBLIC_URL", "texts.example.com"),
        ("PUBLIC_URL", "ftp://canary"),
        ("PUBLIC_URL", "https://user:canary@h"),
        ("PUBLIC_URL", "https://h/?canary"),
        ("PUBLIC_URL", "https://h/#canary"),
        ("PUBLIC_URL", "https://*"),
        ("PUBLIC_URL", "http://0.0.0.0:8000"),
        ("PUBLIC_URL", "https://h canary"),
        ("PUBLIC_URL", "https://h\\canary"),
        ("HOST", "*"),
        ("HOST", "127.0.0.1:8000"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "eighty"),
        ("PORT", "٨٠"),
        ("TRUSTED_PROXIES", "1.5"),
        ("ENCRYPTION_KEYS", "canary"),
        ("ENCRYPTION_KEYS", base64.b64encode(b"canary" * 4).decode()),
        ("ENCRYPTION_KEYS", f"{KEY_ONE},{KEY_ONE}"),
        ("ENCRYPTION_KEYS", ","),
        ("TWILIO_API_URL", "api.twilio.com"),
        ("SMSBOT_SIMULATOR_URL", "x"),
        ("OPENAI_BASE_URL", "canary"),
        ("REPLY_WAIT_S", "21"),
        ("REPLY_WAIT_S", "-1"),
        ("REPLY_WAIT_S", "nan"),
        ("MODEL_BUDGET_S", "inf"),
        ("NUMBER_MPS", "0"),
        ("WEB_WORKERS", "0"),
        ("WEB_THREADS", "1e3"),
        ("REPLY_WORKERS", "many"),
        ("REPLY_CONCURRENCY", "100000"),
        ("SMTP_URL", "canary@h"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_not_repeated(tmp_path, name, value):
    message = refusal({name: value}, tmp_path)

    assert name in message and "canary" not in message
    assert not (tmp_path / ".smsbot").exists()


def test_all_problems_are_told_at_once(tmp_path):
    message = refusal({"PORT": "x", "REPLY_WAIT_S": "y", "REDIS_URL": "z"}, tmp_path)

    assert all(name in message for name in ("PORT", "REPLY_WAIT_S", "REDIS_URL"))


def test_production_starts_with_good_settings(tmp_path):
    settings = load_settings(PRODUCTION, tmp_path)

    assert settings.production and settings.https
    assert settings.extra_media_hosts == frozenset()
    assert not (tmp_path / ".smsbot").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "k7Qw-93h"),
        ("SECRET_KEY", GOOD_SECRET[:31]),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "k7Qw93hTzBxv" * 3),
        ("SECRET_KEY", "0123456789abcdef" * 4),
        ("SECRET_KEY", "change-me-change-me-please-do-change-me"),
        ("SECRET_KEY", "my very Secret key for the flask app 1"),
        ("ENCRYPTION_KEYS", ""),
        ("ENCRYPTION_KEYS", base64.b64encode(bytes(32)).decode()),
        ("ENCRYPTION_KEYS", base64.b64encode(b"correct horse battery staple 123").decode()),
        ("ENCRYPTION_KEYS", f"{KEY_ONE},{base64.b64encode(bytes(range(16)) * 2).decode()}"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "http://texts.example.com"),
        ("PUBLIC_URL", "https://*.example.com"),
        ("REDIS_URL", "redis://cache.example.com:6379/0"),
        ("REDIS_URL", "redis://user@10.0.0.5:6379/0"),
        ("REDIS_URL", "redis://127.0.0.1.evil.example:6379/0"),
        ("SMSBOT_SIMULATOR_URL", "https://sim.example.com"),
        ("TWILIO_API_URL", "https://127.0.0.1:9100"),
        ("TWILIO_API_URL", "http://localhost:9100"),
        ("TWILIO_API_URL", "http://carrier.example.com"),
        ("FLASK_DEBUG", "1"),
        ("FLASK_DEBUG", "true"),
        ("SMSBOT_FAILPOINTS", "outbox.locked=kill"),
        ("SMSBOT_FAILPOINTS_FOLDER", "/tmp/failpoints"),
    ],
)
def test_production_refuses(tmp_path, name, value):
    message = refusal(PRODUCTION | {name: value}, tmp_path)

    assert message.startswith(name) and (not value or value not in message)
    assert not (tmp_path / ".smsbot").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://localhost/0"),
        ("REDIS_URL", "redis://[::1]:6379/0"),
        ("REDIS_URL", "unix:///run/redis.sock"),
        ("REDIS_URL", ""),
        ("FLASK_DEBUG", "0"),
        ("HOST", "0.0.0.0"),
    ],
)
def test_production_accepts(tmp_path, name, value):
    assert load_settings(PRODUCTION | {name: value}, tmp_path).production


def test_secrets_are_made_once_and_kept_for_this_user_only(tmp_path):
    first = load_settings({}, tmp_path)
    second = load_settings({}, tmp_path)

    assert first == second
    assert weakness_of(first.secret_key) is None
    assert [len(key) for key in first.encryption_keys] == [32]
    kept = sorted((tmp_path / ".smsbot" / "keys").iterdir())
    assert [path.name for path in kept] == ["encryption_keys", "secret_key"]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
    assert first.keys_folder.stat().st_mode & 0o777 == 0o700


def test_kept_secrets_that_others_could_read_are_closed(tmp_path):
    keys = load_settings({}, tmp_path).keys_folder
    keys.chmod(0o755)
    (keys / "secret_key").chmod(0o644)

    load_settings({}, tmp_path)

    assert keys.stat().st_mode & 0o777 == 0o700
    assert (keys / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "canary", "\udcff"])
def test_a_damaged_key_file_is_never_replaced(tmp_path, content):
    path = load_settings({}, tmp_path).keys_folder / "encryption_keys"
    path.write_text(content, errors="surrogateescape")

    message = refusal({}, tmp_path)

    assert str(path) in message and "ENCRYPTION_KEYS" in message and "canary" not in message
    assert path.read_text(errors="surrogateescape") == content


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".smsbot").write_text("in the way")

    assert "SMSBOT_HOME" in refusal({}, tmp_path)


def test_processes_that_start_together_get_the_same_secrets(tmp_path):
    script = (
        "import sys; from pathlib import Path; from smsbot.settings import load_settings\n"
        "sys.stdin.read(1); s = load_settings({}, Path(sys.argv[1])); print(s.secret_key, s.encryption_keys[0].hex())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    answers = {process.communicate(b"x", timeout=30)[0] for process in started}

    assert len(answers) == 1 and len(answers.pop()) > 100
    assert len(list((tmp_path / ".smsbot" / "keys").iterdir())) == 2


def test_neither_repr_nor_description_shows_a_secret(tmp_path):
    environ = PRODUCTION | {
        "OPENAI_API_KEY": "openai-canary",
        "SMTP_URL": "smtps://me:mail-canary@mail.example.com:465",
    }
    settings = load_settings(environ, tmp_path)

    shown = repr(settings) + repr(settings.describe())

    assert "canary" not in shown
    assert not any(secret in shown for secret in (GOOD_SECRET, KEY_ONE, KEY_TWO))
    assert settings.describe()["DATABASE_URL"] == "postgresql://db.example.com:5432/smsbot"
    assert settings.describe()["OPENAI_API_KEY"] == "set"


@given(st.text(st.characters(codec="ascii", exclude_characters="\x00"), max_size=40))
def test_any_address_is_taken_or_refused_by_name(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "any-address"
    try:
        settings = load_settings(PRODUCTION | {"PUBLIC_URL": "https://" + text}, folder)
    except ConfigurationError as error:
        assert str(error).startswith("PUBLIC_URL")
    else:
        assert settings.public_url.startswith("https://") and not settings.public_url.endswith("/")


@pytest.mark.parametrize("url", ["postgres://a@h/db?x=1", "postgresql://a@h/db?x=1", "postgresql+psycopg://a@h/db?x=1"])
def test_every_spelling_of_postgresql_names_our_driver(url):
    assert sqlalchemy_url(url) == "postgresql+psycopg://a@h/db?x=1"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_loopback_is_an_address_and_no_look_alike(host, expected):
    assert is_loopback(host) is expected


def test_the_timeouts_we_ship_fit():
    assert_timeouts_fit()


@pytest.mark.parametrize("changed", [{"read_s": 8}, {"lease_s": 7}, {"stop_wait_s": 10}, {"stop_wait_s": 6}])
def test_a_call_that_could_outlive_its_lease_is_refused(changed):
    with pytest.raises(ConfigurationError):
        assert_timeouts_fit(**changed)


def test_a_stop_answers_before_the_carrier_hangs_up():
    with pytest.raises(ConfigurationError):
        assert_timeouts_fit(lease_s=30, stop_wait_s=16)
