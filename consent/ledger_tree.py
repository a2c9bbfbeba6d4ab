"""The tree whose root a seal binds: where every contact's chain ends, so that it can be shown of one contact alone. Pure.

A contact stands at the place that the hash of its id gives, and nowhere else: five steps of sixteen branches lead to a
bucket, and the bucket lists the keys in it. So one path proves what a seal knows of a contact, or that it knows
nothing, and tells nothing of anybody else. Contents by place: of a bucket its keys and values, of a node its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

DEPTH = 5  # a million buckets: with as many contacts one or two stand in each
BRANCHES = 16
HASH_BYTES = 32
EMPTY = bytes(HASH_BYTES)  # where nobody stands
ROOT = b""
# What is hashed begins with what it is, so that no bucket can pass for a node.
BUCKET, NODE = b"\x01", b"\x02"


def key_of(tenant_id: UUID, contact_id: UUID) -> bytes:
    """Where a contact stands. Its id is random, so nobody finds it from the key."""
    return hashlib.sha256(f"{tenant_id}/{contact_id}".encode()).digest()


def end_of(seq: int, digest: bytes) -> bytes:
    """What stands there: the chain has `seq` events, and `digest` is the last one's hash."""
    return hashlib.sha256(seq.to_bytes(8, "big") + digest).digest()


def bucket_of(key: bytes) -> bytes:
    """The steps to a key's bucket, one byte each."""
    steps = [half for byte in key[: DEPTH // 2 + 1] for half in (byte >> 4, byte & 15)]
    return bytes(steps[:DEPTH])


def pairs(content: bytes) -> dict[bytes, bytes]:
    """The keys in a bucket with their values."""
    size = 2 * HASH_BYTES
    return {content[at : at + HASH_BYTES]: content[at + HASH_BYTES : at + size] for at in range(0, len(content), size)}


def hash_at(place: bytes, content: bytes | None) -> bytes:
    """What the node above hashes of a place."""
    if not content:
        return EMPTY
    return hashlib.sha256(BUCKET + content).digest() if len(place) == DEPTH else content


def beside(keys: Iterable[bytes]) -> set[bytes]:
    """Every place that must be known to set these keys, or to show them."""
    above = {bucket[:depth] for bucket in map(bucket_of, keys) for depth in range(DEPTH)}
    return {child for place in above for child in _children(place)}


def changed(values: Mapping[bytes, bytes], known: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Every place whose content changes when these keys get these values. `known` holds what is `beside` them."""
    buckets: dict[bytes, dict[bytes, bytes]] = {}
    for key, value in values.items():
        bucket = bucket_of(key)
        if bucket not in buckets:
            buckets[bucket] = pairs(known.get(bucket, b""))
        buckets[bucket][key] = value
    found = {
        place: b"".join(key + value for key, value in sorted(held.items())) for place, held in sorted(buckets.items())
    }
    level = set(found)
    for _ in range(DEPTH):
        level = {place[:-1] for place in level}
        for place in level:
            children = [hash_at(child, found.get(child) or known.get(child)) for child in _children(place)]
            found[place] = hashlib.sha256(NODE + b"".join(children)).digest()
    return found


def path(key: bytes, known: Mapping[bytes, bytes]) -> list[dict[str, str]]:
    """For each step to a key's bucket, from the root: the branches that are not taken and not empty, in hexadecimal."""
    bucket = bucket_of(key)
    return [
        {
            f"{branch:x}": hash_at(child, known[child]).hex()
            for branch, child in enumerate(_children(bucket[:depth]))
            if child != bucket[: depth + 1] and known.get(child)
        }
        for depth in range(DEPTH)
    ]


def _children(place: bytes) -> Iterator[bytes]:
    return (place + bytes([branch]) for branch in range(BRANCHES))
