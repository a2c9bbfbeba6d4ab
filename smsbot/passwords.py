"""Staff passwords: which ones we take, and how they are kept and checked.

Length counts, not composition (NIST SP 800-63B 5.1.1.2; ASVS 5.0 6.2): 12 to 128 characters, none that guessers try
first. Kept with Argon2id at the cost that the OWASP Password Storage Cheat Sheet names.
"""

from __future__ import annotations

import re
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from smsbot.errors import InvalidInput

SHORTEST = 12  # characters
LONGEST = 128
FEWEST_DIFFERENT = 5

_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1  # 19 MiB: tens of logins at once must not empty a small machine
_HASHER = PasswordHasher(
    time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, hash_len=32, salt_len=16, type=Type.ID
)
# Costs as much to check as a real one, and no password is known for it.
_NOBODYS_HASH = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"

# Long passwords that are leaked and guessed again and again, in lower case. Few of those lists' entries are this long.
_BREACHED = frozenset(
    re.findall(
        r"\S+",
        """
    000000000000 0123456789ab 102030405060 111111111111 112233445566 121212121212 123123123123 123321123321
    123412341234 123456123456 1234567890ab 1234567890abc 1234567890qwe 123456789012 1234567890123 12345678901234
    123456789abc 123456789qwe 123456qwerty 12345qwertyuiop 123654789000 123qweasdzxc 147258369147 159753456852
    1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc 987654321000 999999999999 a1b2c3d4e5f6
    a123456789012 aa1234567890 aaaaaaaaaaaa abc123abc123 abc123456789 abcd12345678 abcdefghijkl abcdefg12345
    administrator administrator1 adminadmin12 adminadminadmin assassins1234 asdasdasdasd asdfasdfasdf asdfghjkl123
    asdfghjkl1234 asdfghjkl;'\\ azertyuiop123 babygirl1234 baseball1234 basketball12 basketball123 batmanbatman
    changeme1234 changemenow1 charlie12345 chocolate123 chocolate1234 christopher1 computer1234 correcthorsebatterystaple
    defaultpassword dragon123456 dragondragon football1234 football12345 fuckyou12345 fuckyoufuckyou hello1234567
    hellohello123 helloworld12 helloworld123 hottie123456 iloveyou1234 iloveyou12345 iloveyou2020 iloveyouforever
    iloveyousomuch internet1234 jesuschrist1 jordan232323 justinbieber letmein12345 letmein123456 letmeinletmein
    liverpool123 liverpoolfc1 loveyou12345 manchesterunited master123456 metallica123 michael12345 monkey123456
    monkeymonkey mypassword12 mypassword123 newpassword1 onedirection p4ssw0rd1234 p@ssw0rd1234 p@ssword1234
    passw0rd1234 password1234 password12345 password123456 password1234567 password2020 password2021 password2022
    password2023 password2024 password2025 password2026 password@123 passwordpassword pokemon12345 princess1234
    princess12345 q1w2e3r4t5y6 qazwsxedc123 qazwsxedcrfv qwe123qwe123 qweasdzxc123 qwer1234qwer qwerasdfzxcv
    qwert1234567 qwerty123456 qwerty1234567 qwerty12345678 qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop[]
    rockyou12345 samsung12345 secret123456 shadow123456 spiderman123 starwars1234 sunshine1234 superman1234
    superman12345 supersecret1 supersecretpassword teddybear123 temppassword temporary123 test12345678 testtesttest
    thisisapassword trustno1trustno1 unbelievable universal123 welcome12345 welcome123456 welcome2024! welcome2025!
    whatever1234 william12345 zaq12wsxcde3 zxcvbnm12345 zxcvbnm123456 zxcvbnmzxcvbnm
    """,
    )
)
_GUESSED_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    admin administrator azerty changeme computer default dragon football hello iloveyou letmein login manager master
    monkey password passwort princess qwerty realtor realestate root secret sms smsbot summer sunshine superman
    superuser temp temporary test trustno user welcome winter
    """,
    )
)
_PLAIN_LETTERS = str.maketrans("@4301!$57", "aaeoiisst")
_WALKS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "!@#$%^&*()_+",
    "azertyuiop",
    "qwertzuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
)
SHORTEST_WALK = 3


def objection_to(password: str) -> str | None:
    """Why this password is not taken, as a sentence for the person who chose it, or None."""
    password = _normalised(password)
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(set(password)) < FEWEST_DIFFERENT or _repeats(password):
        return "This password repeats itself: add something else."
    if _is_walk(password.lower()):
        return "This password follows the keyboard or the alphabet: choose words of your own."
    if _is_guessed(password.lower()):
        return "This password is among those that are guessed first: choose words of your own."
    return None


def hash_password(password: str) -> str:
    """The Argon2id hash to keep, with its salt and cost inside. Raises InvalidInput when `objection_to` has one."""
    if objection := objection_to(password):
        raise InvalidInput("password", objection)
    return _HASHER.hash(_normalised(password))


def password_matches(password: str, kept: str | None) -> bool:
    """Whether `kept` is the hash of this password. `kept` None, an unknown login, takes as long and is False."""
    normalised = _normalised(password[: LONGEST + 1])
    usable = kept is not None and len(password) <= LONGEST and len(normalised) <= LONGEST
    try:
        matches = _HASHER.verify(kept if usable and kept is not None else _NOBODYS_HASH, normalised)
    except (VerificationError, InvalidHashError):
        return False
    return matches and usable


def needs_rehash(kept: str) -> bool:
    """Whether `kept` was made at another cost than today's: hash the password anew while it is at hand."""
    try:
        return _HASHER.check_needs_rehash(kept)
    except InvalidHashError:
        return True


def _normalised(password: str) -> str:
    """The same characters whatever keyboard they were typed on (NFKC, NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode("utf-8"))


def _repeats(password: str) -> bool:
    """Whether a piece no longer than half of it is written again and again."""
    return any(password[period:] == password[:-period] for period in range(1, len(password) // 2 + 1))


def _is_walk(password: str) -> bool:
    """Whether it is nothing but runs of three or more neighbours on a keyboard or in the alphabet."""
    runs = (*_WALKS, *(walk[::-1] for walk in _WALKS))
    reached = {0}  # positions up to which runs can be laid end to end
    for start in range(len(password)):
        if start not in reached:
            continue
        for end in range(start + SHORTEST_WALK, len(password) + 1):
            if not any(password[start:end] in run for run in runs):
                break
            reached.add(end)
    return len(password) in reached


def _is_guessed(password: str) -> bool:
    """Whether it is a breached one, or a common word dressed with digits and signs ("Welcome!2026#1", "p4$$w0rd....")."""
    if password in _BREACHED:
        return True
    core = re.sub(r"\A[^a-z]+|[^a-z]+\Z", "", password)
    return any(re.sub(r"[^a-z]", "", text) in _GUESSED_WORDS for text in (core, core.translate(_PLAIN_LETTERS)))
