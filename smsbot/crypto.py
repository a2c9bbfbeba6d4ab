"""Secrets at rest and links that prove themselves: envelope encryption, keyed hashes, signed tokens.

A deployment has keys (newest first); each tenant has a data key, wrapped by one of them. Rotation wraps the data
keys anew and touches no row; forgetting a tenant's data key makes everything under it unreadable for good.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadData, URLSafeSerializer

from smsbot.clock import Clock, SystemClock
from smsbot.errors import SmsbotError

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # what GCM is specified for (NIST SP 800-38D, 5.2.1.1)
TAG_BYTES = 16
MAX_CACHED_CIPHERS = 1024  # unwrapped data keys in memory: one per tenant in use

_VERSION = "v1"
_FIELD_VERSION = b"\x01"
_DATA_KEY_CONTEXT = b"smsbot|data-key|v1|"


class DecryptionFailed(SmsbotError):
    """A ciphertext is damaged, was moved from another place, or its key is not among ours. Holds nothing of it."""


class LinkRefused(SmsbotError):
    """A signed token is forged, meant for something else, or too old."""


class DataCipher:
    """Encrypts one tenant's values, each bound to its place: a value moved to another row does not decrypt there."""

    def __init__(self, key: bytes) -> None:
        self._gcm = AESGCM(key)

    def __repr__(self) -> str:
        return "DataCipher()"

    def encrypt(
        self, plaintext: bytes, *, tenant_id: UUID | str, table: str, column: str, row: UUID | str | int
    ) -> bytes:
        """A version byte, a random nonce, the ciphertext and its tag: 29 bytes more than `plaintext`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._gcm.encrypt(nonce, plaintext, _place(tenant_id, table, column, row))
        return _FIELD_VERSION + nonce + sealed

    def decrypt(
        self, ciphertext: bytes, *, tenant_id: UUID | str, table: str, column: str, row: UUID | str | int
    ) -> bytes:
        """What was encrypted for exactly this place. Raises DecryptionFailed for everything else."""
        ciphertext = bytes(ciphertext)  # drivers hand out memoryview
        if len(ciphertext) < 1 + NONCE_BYTES + TAG_BYTES or ciphertext[:1] != _FIELD_VERSION:
            raise DecryptionFailed(f"{table}.{column} holds no ciphertext of ours")
        nonce, sealed = ciphertext[1 : 1 + NONCE_BYTES], ciphertext[1 + NONCE_BYTES :]
        try:
            return self._gcm.decrypt(nonce, sealed, _place(tenant_id, table, column, row))
        except InvalidTag:
            raise DecryptionFailed(f"{table}.{column} was changed, or belongs to another row or tenant") from None

    def encrypt_text(
        self, plaintext: str, *, tenant_id: UUID | str, table: str, column: str, row: UUID | str | int
    ) -> bytes:
        return self.encrypt(
            plaintext.encode("utf-8", "surrogatepass"), tenant_id=tenant_id, table=table, column=column, row=row
        )

    def decrypt_text(
        self, ciphertext: bytes, *, tenant_id: UUID | str, table: str, column: str, row: UUID | str | int
    ) -> str:
        plaintext = self.decrypt(ciphertext, tenant_id=tenant_id, table=table, column=column, row=row)
        try:
            return plaintext.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise DecryptionFailed(f"{table}.{column} holds no text") from None  # the cause would show the plaintext


class Keyring:
    """The deployment's keys, 32 bytes each, newest first: the first one wraps, every one unwraps. Safe between threads."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("a keyring needs one or more keys of 32 bytes")
        self._deployment_keys = {_key_id(key): _DeploymentKey(key) for key in keys}
        if len(self._deployment_keys) != len(keys):
            raise ValueError("the same key is named twice")
        self._newest = next(iter(self._deployment_keys))
        self._ciphers: dict[str, DataCipher] = {}  # by wrapped key, oldest use first
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._deployment_keys)})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The first 8 hex digits of each key's SHA-256, newest first: says which key without saying what it is."""
        return tuple(self._deployment_keys)

    def new_data_key(self) -> str:
        """A new random 256-bit data key, wrapped: `v1:key id:nonce:ciphertext`, the last two in base64url."""
        return self._wrapped(secrets.token_bytes(KEY_BYTES))

    def rewrap(self, wrapped: str) -> str:
        """The same data key under the newest deployment key; `wrapped` itself when it is there already.

        Raises DecryptionFailed when none of our keys opens it.
        """
        data_key = self._unwrapped(wrapped)
        return wrapped if wrapped.split(":")[1] == self._newest else self._wrapped(data_key)

    def cipher(self, wrapped: str) -> DataCipher:
        """The cipher of a wrapped data key; the 1,024 used last are kept. Raises DecryptionFailed."""
        with self._lock:
            known = self._ciphers.pop(wrapped, None)
            if known is not None:
                self._ciphers[wrapped] = known
                return known
        cipher = DataCipher(self._unwrapped(wrapped))
        with self._lock:
            self._ciphers[wrapped] = cipher
            if len(self._ciphers) > MAX_CACHED_CIPHERS:
                del self._ciphers[next(iter(self._ciphers))]
        return cipher

    def suppression_hashes(self, number: str) -> list[bytes]:
        """HMAC-SHA256 of an E.164 number under each deployment key, newest first: store the first, look up all.

        Says after an erasure that this person must stay unwritten to, without keeping who it is.
        """
        return [key.keyed_hash("suppression", number) for key in self._deployment_keys.values()]

    def blind_index(self, value: str, purpose: str) -> bytes:
        """HMAC-SHA256 of `value` under the newest key: finds an equal value in a column that nobody can read.

        `purpose` ("invite-email") keeps equal values of different columns apart.
        """
        return self.blind_indexes(value, purpose)[0]

    def blind_indexes(self, value: str, purpose: str) -> list[bytes]:
        """The same under each deployment key, newest first, for looking up what was stored before a rotation."""
        return [key.keyed_hash(f"blind-index|{purpose}", value) for key in self._deployment_keys.values()]

    def _wrapped(self, data_key: bytes) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        context = _DATA_KEY_CONTEXT + self._newest.encode()
        sealed = self._deployment_keys[self._newest].wrapping.encrypt(nonce, data_key, context)
        return f"{_VERSION}:{self._newest}:{_encoded(nonce)}:{_encoded(sealed)}"

    def _unwrapped(self, wrapped: str) -> bytes:
        match wrapped.split(":"):
            case [version, key_id, nonce, sealed] if version == _VERSION:
                key = self._deployment_keys.get(key_id)
            case _:
                raise DecryptionFailed("not a wrapped data key")
        if key is None:
            raise DecryptionFailed("the data key is wrapped by a key that ENCRYPTION_KEYS does not name")
        try:
            data_key = key.wrapping.decrypt(_decoded(nonce), _decoded(sealed), _DATA_KEY_CONTEXT + key_id.encode())
        except (InvalidTag, ValueError):
            raise DecryptionFailed("the wrapped data key was changed") from None
        return data_key


class LinkSigner:
    """Makes and reads tokens for links: anyone can read what they say, nobody else can write one.

    A token says what for (`purpose`) and until when; it is not remembered, so use-once is the reader's business.
    """

    def __init__(self, secret_key: str, clock: Clock | None = None) -> None:
        self._secret_key = secret_key
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return "LinkSigner()"

    def sign(self, payload: Mapping[str, Any], purpose: str, max_age_s: float) -> str:
        """A URL-safe token of `payload` (JSON values; ids only, never a number or name) that lives `max_age_s` seconds."""
        until = int(self._clock.now().timestamp() + max_age_s)
        return str(self._serializer(purpose).dumps({"payload": dict(payload), "until": until}))

    def read(self, token: str, purpose: str) -> dict[str, Any]:
        """The payload of a token that was signed for this purpose and is not too old. Raises LinkRefused otherwise."""
        try:
            content = self._serializer(purpose).loads(token)
        except (BadData, UnicodeEncodeError):
            raise LinkRefused("this link is not valid: ask for a new one") from None
        if self._clock.now().timestamp() > content["until"]:
            raise LinkRefused("this link is too old: ask for a new one")
        payload: dict[str, Any] = content["payload"]
        return payload

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        # The purpose is part of the key, so a token for one thing is a forgery for every other.
        return URLSafeSerializer(
            self._secret_key,
            salt=f"smsbot|link|{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


class _DeploymentKey:
    """One deployment key, never used as it is: each use has its own key, derived with HKDF (RFC 5869)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @cached_property
    def wrapping(self) -> AESGCM:
        return AESGCM(self._derived("data-key-wrapping"))

    @cached_property
    def _hashing_key(self) -> bytes:
        return self._derived("keyed-hash")

    def keyed_hash(self, purpose: str, value: str) -> bytes:
        return hmac.digest(self._hashing_key, _joined(purpose, value), "sha256")

    def _derived(self, use: str) -> bytes:
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"smsbot|{use}|v1".encode()).derive(self._key)


def _place(tenant_id: UUID | str, table: str, column: str, row: UUID | str | int) -> bytes:
    parts = (str(tenant_id), table, column, str(row))
    if any("|" in part for part in parts):
        raise ValueError("no part of a place may hold a |: two places would share their associated data")
    return "|".join(parts).encode()


def _joined(purpose: str, value: str) -> bytes:
    """Both, so that no other pair gives the same bytes."""
    name = purpose.encode()
    return len(name).to_bytes(4, "big") + name + value.encode("utf-8", "surrogatepass")


def _key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    """Strict: one text form per value, so that a changed letter is never overlooked. Raises ValueError."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if _encoded(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
