"""What a deployment may set: read once from the environment and `.env`, checked whole, frozen."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import SplitResult, urlsplit

from smsbot.errors import ConfigurationError
from smsbot.failpoints import FOLDER_VARIABLE as FAILPOINTS_FOLDER
from smsbot.failpoints import VARIABLE as FAILPOINTS

Environment = Literal["development", "production"]
T = TypeVar("T")

CARRIER_CONNECT_TIMEOUT_S = 2.0
CARRIER_READ_TIMEOUT_S = 5.0
LEASE_S = 10.0  # how long one send may own a contact; a STOP never waits longer than this
STOP_WAIT_S = 9.0  # how long a STOP waits for a lease before it answers 503 with the opt-out standing
WEBHOOK_TIMEOUT_S = 15.0  # Twilio gives a webhook fifteen seconds

KEY_BYTES = 32  # AES-256
SHORTEST_SECRET = 32
MAX_REPLY_WAIT_S = 20.0  # a burst of texts is answered after this long in any case

_WELL_KNOWN = (
    "changeme",
    "changethis",
    "secret",
    "password",
    "default",
    "example",
    "insecure",
    "placeholder",
    "replaceme",
    "letmein",
    "qwerty",
    "012345678",
    "123456789",
    "abcdefgh",
)
_FALSE = frozenset({"", "0", "false", "no", "off"})
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment's settings. Secrets, and addresses that may hold one, are left out of the repr.

    `encryption_keys` are 32 bytes each, newest first. `public_url` has no trailing slash. None means that the
    part is embedded (`database_url`, `redis_url`), that the provider's own address counts (`twilio_api_url`),
    or that the part is off. Times are seconds, `number_mps` is segments a second. One API key may make `api_rate_per_s`
    requests a second on average and `api_burst` at once, in all web processes together; without Redis any number.
    """

    home: Path
    secret_key: str = field(repr=False)
    encryption_keys: tuple[bytes, ...] = field(repr=False)
    environment: Environment = "development"
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = 8000
    trusted_proxies: int = 0
    twilio_api_url: str | None = None
    simulator_url: str | None = None  # where the carrier of the demo tenants lives
    openai_base_url: str | None = None
    openai_api_key: str | None = field(default=None, repr=False)
    openai_model: str | None = None
    reply_wait_s: float = 4.0
    model_budget_s: float = 4.5
    number_mps: float | None = None
    web_workers: int = 1  # these four fit 2 cores
    web_threads: int = 48
    reply_workers: int = 1
    reply_concurrency: int = 200
    api_rate_per_s: float = 50.0
    api_burst: int = 200
    smtp_url: str | None = field(default=None, repr=False)

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None

    @property
    def embedded_redis(self) -> bool:
        return self.redis_url is None

    @property
    def sqlalchemy_url(self) -> str | None:
        """`database_url` with the driver named, or None when the database is embedded."""
        return None if self.database_url is None else sqlalchemy_url(self.database_url)

    @property
    def https(self) -> bool:
        """Whether people reach us over TLS, so that cookies may be `Secure`."""
        return self.public_url.startswith("https://")

    @property
    def model_configured(self) -> bool:
        """False: the built-in rule-based assistant answers. A server of one's own may need no key."""
        return self.openai_base_url is not None or self.openai_api_key is not None

    @property
    def extra_media_hosts(self) -> frozenset[str]:
        """Hosts, besides Twilio's own, that media may come from: those of a stand-in carrier, never in production."""
        if self.production:
            return frozenset()
        hosts = (urlsplit(url).hostname for url in (self.twilio_api_url, self.simulator_url) if url)
        return frozenset(host for host in hosts if host)

    @property
    def keys_folder(self) -> Path:
        return self.home / "keys"

    def describe(self) -> dict[str, str | int | float | None]:
        """The settings by variable name, for people: no secret, and of every address only scheme, host, port, path."""
        return {
            "SMSBOT_ENV": self.environment,
            "DATABASE_URL": _place(self.database_url) or "embedded",
            "REDIS_URL": _place(self.redis_url) or "embedded",
            "SMSBOT_HOME": str(self.home),
            "PUBLIC_URL": self.public_url,
            "HOST": self.host,
            "PORT": self.port,
            "TRUSTED_PROXIES": self.trusted_proxies,
            "SECRET_KEY": "set",
            "ENCRYPTION_KEYS": f"{len(self.encryption_keys)} set",
            "TWILIO_API_URL": _place(self.twilio_api_url),
            "SMSBOT_SIMULATOR_URL": _place(self.simulator_url),
            "OPENAI_BASE_URL": _place(self.openai_base_url),
            "OPENAI_API_KEY": "set" if self.openai_api_key else None,
            "OPENAI_MODEL": self.openai_model,
            "REPLY_WAIT_S": self.reply_wait_s,
            "MODEL_BUDGET_S": self.model_budget_s,
            "NUMBER_MPS": self.number_mps,
            "WEB_WORKERS": self.web_workers,
            "WEB_THREADS": self.web_threads,
            "REPLY_WORKERS": self.reply_workers,
            "REPLY_CONCURRENCY": self.reply_concurrency,
            "API_RATE_PER_S": self.api_rate_per_s,
            "API_BURST": self.api_burst,
            "SMTP_URL": _place(self.smtp_url),
        }


def load_settings(environ: Mapping[str, str], folder: Path, *, beneath: Mapping[str, str] | None = None) -> Settings:
    """The settings from `environ`, else `folder`/.env, else `beneath`, else the defaults; an empty value counts as unset.

    Secrets that are unset are made once and kept in SMSBOT_HOME/keys, except in production. Raises
    ConfigurationError, whose message names every variable that is wrong and what to set, and repeats no secret.
    """
    problems: list[str] = []
    given = {name: value for name, value in environ.items() if value}
    variables = _Variables({**(beneath or {}), **_dotenv(folder / ".env", problems), **given}, problems)

    environment = variables.environment()
    host = variables.host()
    port = variables.whole("PORT", 8000, 1, 65535)
    home = folder / Path(variables.text("SMSBOT_HOME") or ".smsbot").expanduser()
    database_url = variables.address("DATABASE_URL", ("postgresql", "postgres", "postgresql+psycopg"), host=False)
    redis_url = variables.address("REDIS_URL", ("redis", "rediss", "unix"), host=False)
    public_url = variables.base("PUBLIC_URL") or _listening_url(host, port)
    twilio_api_url = variables.base("TWILIO_API_URL")
    simulator_url = variables.base("SMSBOT_SIMULATOR_URL")
    secret_key = variables.text("SECRET_KEY")
    encryption_keys = variables.keys("ENCRYPTION_KEYS")
    rest = {
        "trusted_proxies": variables.whole("TRUSTED_PROXIES", 0, 0, 10),
        "web_workers": variables.whole("WEB_WORKERS", 1, 1, 64),
        "web_threads": variables.whole("WEB_THREADS", 48, 1, 1000),
        "reply_workers": variables.whole("REPLY_WORKERS", 1, 1, 64),
        "reply_concurrency": variables.whole("REPLY_CONCURRENCY", 200, 1, 1000),
        "api_burst": variables.whole("API_BURST", 200, 1, 100_000),
    }
    reply_wait_s = variables.number("REPLY_WAIT_S", 0, MAX_REPLY_WAIT_S)
    model_budget_s = variables.number("MODEL_BUDGET_S", 0, 60)
    number_mps = variables.number("NUMBER_MPS", 0.01, 1_000_000)
    api_rate_per_s = variables.number("API_RATE_PER_S", 0.01, 100_000)
    openai_base_url = variables.base("OPENAI_BASE_URL", query=True)
    smtp_url = variables.address("SMTP_URL", ("smtp", "smtps"))

    if environment == "production":
        problems += _unfit_secrets(secret_key, encryption_keys, home, variables)
        problems += _unfit_addresses(public_url, redis_url, twilio_api_url, simulator_url)
        if variables.text("FLASK_DEBUG").lower() not in _FALSE:
            problems.append("FLASK_DEBUG shows the inside to strangers in production: unset it")
        problems += [
            f"{name} breaks things on purpose: unset it"
            for name in (FAILPOINTS, FAILPOINTS_FOLDER)
            if variables.text(name)
        ]
    if problems:
        raise ConfigurationError("; ".join(problems))

    return Settings(
        environment=environment,
        home=home,
        secret_key=secret_key or _kept(home, "SECRET_KEY", _new_secret, str),
        encryption_keys=encryption_keys or _kept(home, "ENCRYPTION_KEYS", _new_key, parse_keys),
        database_url=database_url,
        redis_url=redis_url,
        public_url=public_url,
        host=host,
        port=port,
        twilio_api_url=twilio_api_url,
        simulator_url=simulator_url,
        openai_base_url=openai_base_url,
        openai_api_key=variables.text("OPENAI_API_KEY") or None,
        openai_model=variables.text("OPENAI_MODEL") or None,
        reply_wait_s=4.0 if reply_wait_s is None else reply_wait_s,
        model_budget_s=4.5 if model_budget_s is None else model_budget_s,
        number_mps=number_mps,
        api_rate_per_s=50.0 if api_rate_per_s is None else api_rate_per_s,
        smtp_url=smtp_url,
        **rest,
    )


def assert_timeouts_fit(
    connect_s: float = CARRIER_CONNECT_TIMEOUT_S,
    read_s: float = CARRIER_READ_TIMEOUT_S,
    lease_s: float = LEASE_S,
    stop_wait_s: float = STOP_WAIT_S,
) -> None:
    """Raise ConfigurationError unless a call to the carrier ends before its lease, and a STOP can outwait the call.

    A call that outlives its lease could reach the carrier after a STOP was answered.
    """
    call_s = connect_s + read_s
    if not 0 < call_s < lease_s:
        raise ConfigurationError(f"carrier timeouts of {call_s} s do not end within the lease of {lease_s} s")
    if not call_s < stop_wait_s < lease_s:
        raise ConfigurationError(f"a STOP waits {stop_wait_s} s: not between the call's {call_s} s and {lease_s} s")
    if not stop_wait_s < WEBHOOK_TIMEOUT_S:
        raise ConfigurationError(f"a STOP waits {stop_wait_s} s: the carrier hangs up after {WEBHOOK_TIMEOUT_S} s")


def sqlalchemy_url(database_url: str) -> str:
    """A PostgreSQL address as SQLAlchemy wants it: with psycopg named as the driver."""
    return re.sub(r"\A(?:postgresql\+psycopg|postgresql|postgres)://", "postgresql+psycopg://", database_url)


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Keys from base64 (either alphabet), comma separated, in the order given. Raises ValueError, without the text."""
    keys = tuple(_decoded(part.strip()) for part in text.split(",") if part.strip())
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError("each key is 32 bytes in base64")
    if len(set(keys)) != len(keys):
        raise ValueError("the same key is named twice")
    return keys


def weakness_of(secret: str) -> str | None:
    """Why `secret` must not protect anything ("is shorter than 32 characters"), or None when nothing speaks against it.

    Redash shipped one default cookie secret to every installation (CVE-2021-41192): a copied secret is no secret.
    """
    if len(secret) < SHORTEST_SECRET:
        return f"is shorter than {SHORTEST_SECRET} characters"
    if len(set(secret)) < 10 or _repeats(secret):
        return "repeats itself"
    letters = re.sub(r"[^a-z0-9]", "", secret.lower())
    if any(word in letters for word in _WELL_KNOWN):
        return "looks like a default"
    return None


def is_loopback(host: str | None) -> bool:
    """Whether `host` names this machine: `localhost` or a loopback address, never a name that merely looks like one."""
    if host is None:
        return False
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


class _Variables:
    """Reads one variable at a time and remembers what is wrong, so that a person hears everything at once."""

    def __init__(self, values: Mapping[str, str], problems: list[str]) -> None:
        self._values = values
        self._problems = problems

    def text(self, name: str) -> str:
        return self._values.get(name, "").strip()

    def environment(self) -> Environment:
        match self.text("SMSBOT_ENV").lower():
            case "" | "development":
                return "development"
            case "production":
                return "production"
            case _:
                self._problems.append("SMSBOT_ENV: set development or production")
                return "development"

    def host(self) -> str:
        host = self.text("HOST") or "127.0.0.1"
        if "*" in host or "/" in host or " " in host or host.count(":") == 1:
            self._problems.append("HOST: set a name or an address without port, such as 127.0.0.1")
            return "127.0.0.1"
        return host

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if re.fullmatch(r"[0-9]{1,6}", text) and low <= int(text) <= high:
            return int(text)
        self._problems.append(f"{name}: set a whole number from {low} to {high}")
        return default

    def number(self, name: str, low: float, high: float) -> float | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if low <= value <= high:  # false for nan
            return value
        self._problems.append(f"{name}: set a number from {low:g} to {high:g}")
        return None

    def address(self, name: str, schemes: Sequence[str], *, host: bool = True) -> str | None:
        """An address that may hold a password, so no message repeats it. `host` False: a socket's path will do."""
        text = self.text(name)
        if not text:
            return None
        parts = _split(text)
        if parts is None or parts.scheme not in schemes or (host and not parts.hostname):
            self._problems.append(f"{name}: set an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
            return None
        return text

    def base(self, name: str, *, query: bool = False) -> str | None:
        """A web address to which paths are added: no trailing slash, user or fragment, and no query unless `query`."""
        text = self.address(name, ("https", "http"))
        parts = _split(text) if text else None
        if text is None or parts is None:
            return None
        if parts.username is not None or "#" in text or ("?" in text and not query) or _is_wildcard(parts.hostname):
            self._problems.append(f"{name}: set scheme, host and, where needed, port and path; nothing else")
            return None
        return text.rstrip("/")

    def keys(self, name: str) -> tuple[bytes, ...]:
        text = self.text(name)
        if not text:
            return ()
        try:
            return parse_keys(text)
        except ValueError as error:
            self._problems.append(f"{name}: {error}; make one with `openssl rand -base64 32`")
            return ()


def _unfit_secrets(secret_key: str, keys: Sequence[bytes], home: Path, variables: _Variables) -> list[str]:
    problems = []
    if not secret_key:
        problems.append("SECRET_KEY is unset: set at least 32 random characters, such as `openssl rand -base64 48`")
    elif weakness := weakness_of(secret_key):
        problems.append(f"SECRET_KEY {weakness}: set at least 32 random characters, such as `openssl rand -base64 48`")
    if not variables.text("ENCRYPTION_KEYS"):
        kept = home / "keys" / "encryption_keys"
        known = f" (those made in development are in {kept})" if kept.exists() else ""
        problems.append(
            f"ENCRYPTION_KEYS is unset: set one or more keys, newest first{known}: `openssl rand -base64 32`"
        )
    elif any(len(set(key)) < 10 or _repeats(key) or key.isascii() for key in keys):
        problems.append("ENCRYPTION_KEYS holds a key that is not random: make one with `openssl rand -base64 32`")
    return problems


def _unfit_addresses(
    public_url: str, redis_url: str | None, twilio_api_url: str | None, simulator_url: str | None
) -> list[str]:
    problems = []
    if not public_url.startswith("https://"):
        problems.append("PUBLIC_URL: set the https:// address that the carrier calls")
    redis = urlsplit(redis_url or "")
    if redis_url and redis.scheme != "unix" and not redis.password and not is_loopback(redis.hostname):
        problems.append("REDIS_URL: Redis on another machine needs a password, redis://:PASSWORD@HOST:PORT/0")
    if simulator_url:
        problems.append("SMSBOT_SIMULATOR_URL: the simulator does not run in production; unset it")
    carrier = urlsplit(twilio_api_url or "")
    if twilio_api_url and (is_loopback(carrier.hostname) or carrier.scheme != "https"):
        problems.append("TWILIO_API_URL: no simulator and no plain http in production; unset it or set https://")
    return problems


def _dotenv(path: Path, problems: list[str]) -> dict[str, str]:
    """`KEY=VALUE` lines: `export` before them, quotes and `#` comments as a shell reads them, nothing expanded."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        problems.append(f"{path}: cannot be read; make it a UTF-8 text file that this user may read")
        return {}
    values = {}
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        value = None if found is None else _unquoted(found["value"])
        if found is None or value is None:
            problems.append(f"{path} line {number}: write NAME=VALUE, with both quotes or none")
        elif value:
            values[found["name"]] = value
    return values


def _unquoted(text: str) -> str | None:
    """The value that `text` writes, or None when a quote is not closed or something follows it."""
    if text.startswith("'"):
        found = re.fullmatch(r"'([^']*)'\s*(?:\s#.*)?", text)
        return None if found is None else found[1]
    if text.startswith('"'):
        found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"\s*(?:\s#.*)?', text)
        return None if found is None else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), found[1])
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def _kept(home: Path, variable: str, new: Callable[[], str], read: Callable[[str], T]) -> T:
    """What the key file of `variable` holds; made first when there is none. A file that is there is never replaced."""
    path = home / "keys" / variable.lower()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _restrict(path.parent, 0o700)
        if not path.exists():
            _create(path, new())
        _restrict(path, 0o600)
        text = path.read_text(encoding="ascii").strip()
        if not text:
            raise ValueError("the file is empty")
        return read(text)
    except ValueError as error:  # UnicodeDecodeError is one
        raise ConfigurationError(f"{path} is damaged: restore it, or set {variable}") from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be kept: set SMSBOT_HOME to a folder of this user, or set {variable}"
        ) from error


def _create(path: Path, text: str) -> None:
    """Write `path` whole, unless somebody else does first: a second process reads the first one's key, never half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # O_EXCL, mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # atomic, and refuses when the name is taken
    except FileExistsError:
        return  # another process was first: its key counts
    finally:
        os.unlink(temporary)


def _restrict(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o077:  # asked first: a read-only file system refuses even a change that changes nothing
        path.chmod(mode)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        unpadded = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("each key is 32 bytes in base64") from None  # the cause would hold the key


def _repeats(text: str | bytes) -> bool:
    """Whether a piece no longer than half of `text` is written again and again."""
    return any(text[period:] == text[:-period] for period in range(1, len(text) // 2 + 1))


def _split(url: str) -> SplitResult | None:
    """The parts of an address, or None when it cannot be one. Lenient parsers differ on blanks and controls."""
    if not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no port
    except ValueError:
        return None
    return parts if "://" in url else None


def _is_wildcard(host: str | None) -> bool:
    return host is None or "*" in host or host in ("0.0.0.0", "::")


def _listening_url(host: str, port: int) -> str:
    reachable = "127.0.0.1" if _is_wildcard(host) else host
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _place(url: str | None) -> str | None:
    """Scheme, host, port and path of an address: what may be shown of one that can hold a password."""
    if url is None:
        return None
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
