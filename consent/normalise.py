"""A text message in one plain spelling: what decoration, look-alike letters and signatures hide is taken away. Pure.

Order and steps: NFKC, no invisible characters, look-alikes to Latin, case folded, accents off for the plain form,
signature lines cut (47 CFR 64.1200(a)(10): wording and form of a revocation do not matter).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MAX_CHARS = 2_000  # Twilio delivers at most 1,600 characters; anything longer did not come from a phone

# Soft hyphen, combining grapheme joiner, Hangul and Mongolian fillers, zero-width, bidi and variation marks, BOM, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
# Accents of Latin, Greek and Cyrillic, Arabic vowel marks and hamza. The Japanese voicing
# marks stay: they change the letter.
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0489\u0640\u064b-\u065f\u0670\u20d0-\u20f0]")
_FOLDED_LETTERS = str.maketrans(
    {"đ": "d", "ł": "l", "ø": "o", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ى": "ي", "ة": "ه"}
)

# Letters drawn like Latin ones (after case folding): Cyrillic, Greek, Armenian, Lisu, small capitals.
_LOOK_ALIKE = dict(
    zip(
        "аьсԁеғһіјкӏмпорԛгѕтуѵԝхвнʙзбцщ" + "αβϲδεηικνορτυχζμωγ" + "օսոհաց" + "ᴀᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢꞯ",
        "abcdefhijklmnopqrstuvwxbnbebuu" + "abcdeniknoptuxzmwy" + "ounhag" + "acdeghijklmnoprstuvwyzq",
        strict=True,
    )
)
_LISU = dict(zip("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "abcdefghijklmnoprstuvwxyz", strict=True))
_LOOK_ALIKE |= _LISU
_LATIN_LETTER = re.compile("[a-z]")
_FOREIGN_LETTER = re.compile("[\u0370-\u058f\u1d00-\u1d7f\u0250-\u02af\ua4d0-\ua4ff\ua720-\ua7ff]")
_WORD = re.compile(r"[^\W_]+")

# Enclosed letters without a compatibility form: negative circled, negative squared, regional indicators.
_ENCLOSED = {chr(base + n): chr(ord("a") + n) for base in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
_SIGNS = {"🛑": " stop "}  # read as the word (rule 13 of the labelling page)
# Capitals whose small forms look like nothing Latin: Armenian, Cherokee.
_CAPITALS = dict(zip("ՏՍՕᏚᎢᏢᎬᏞᏟᎪᎷ", "suostpelcam", strict=True))
_STANDALONE = str.maketrans(_ENCLOSED | _SIGNS | _CAPITALS | {"&": " and ", "№": " number "})
_STARRED = re.compile(r"(?<!\w)f[*#$%!]{2,4}(?:c?k)?")
_KEYCAP_HASH = re.compile(r"(?<!\S)#(?!\S)")  # "take my # off your list"

_CONTRACTION = re.compile(r"(?<=[^\W\d_])'(?=(?:t|m|re|s|ll|ve|d|all|am)(?![^\W_]))")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʻ`´′＇", "'"))
_SPACED_LETTERS = re.compile(r"(?<![^\W_])(?:[^\W_][\W_]{1,3}){2,29}[^\W_](?![^\W_])")
# The vowel signs of Indic and Thai letters are part of the word, though Python does not count them as letters.
_TOKEN = re.compile(r"(?:[^\W_]|[\u0900-\u0dff\u0e31-\u0e4e])+|[?？؟]|[.!;:|\n…。！；：،—–•]|[,，、]")
_LEET = str.maketrans("01345$@!|7", "oieassaiit")
_CHUNK = re.compile(r"\S+")
_LEET_SIGN = re.compile(r"[\d$@!|]")
_LONGEST_CHUNK = 40  # no consent word is longer, however it is decorated
_OUTER = re.compile(r"^[^\w$@]+|[^\w$@]+$")

_SIGNATURE_LINE = re.compile(
    r"(?:^|(?<=[\n.!,|-])|(?<=\s))\s*(?:sent (?:from|via|with|using) (?:my |an? |the )?[\w ]{2,30}|"
    r"get outlook for \w+"
    r"|enviado desde mi [\w ]{2,20}|envoy[eé] (?:de|depuis) mon [\w ]{2,20}|gesendet von [\w ]{2,25})[\s.!)]*$",
    re.IGNORECASE,
)
# Runs of blanks are cut down first: a signature pattern must not try every one of a thousand empty lines.
_BLANKS = re.compile(r"[^\S\n]+")
_BREAK = re.compile(r" ?[\n] ?")
_BREAKS = re.compile(r"\n{3,}")
_LONGEST_SIGNATURE = 200
_DELIMITED_SIGNATURE = re.compile(r"\n-{2,3}[ \t]*\n[\s\S]*$")
_NAME = r"[^\W\d_a-zа-я][\w.'’]{0,14}"
_DASHED_NAME = re.compile(rf"(?<=\S)\s*(?:\s[-–—~]{{1,2}}|[—~]|\n\s*[-–—~]{{1,2}})\s*{_NAME}(?: {_NAME}){{0,2}}[ .!]*$")
_CLOSING_LINE = re.compile(
    r"\n\s*(?:thanks|thank you|thx|regards|best|best regards|sincerely|gracias|saludos|merci|"
    r"cordialement)[,.!]?\s*\n[\s\S]{0,80}$",
    re.IGNORECASE,
)
_PERSON_BLOCK = re.compile(
    rf"\n\s*\n?(?:\s*{_NAME}(?:[ ,]+(?:{_NAME}|&|and|of)){{0,4}}[ ,.]*\n?|\s*[\d ()+.-]{{7,20}}\n?|"
    rf"\s*\S+@\S+\n?){{1,4}}$"
)


@dataclass(frozen=True, slots=True)
class Plain:
    """One text, ready for the rules."""

    flow: str  # words with one space between; "|" ends a sentence, "?" a question; commas are gone
    clauses: tuple[tuple[str, ...], ...]  # the words between any two marks, commas and line ends included
    words: frozenset[str]
    letters: str  # all letters and digits of the text run together
    marked: str  # folded but with accents, for languages where an accent makes another word
    had_letters: bool
    signs: frozenset[str]  # every symbol (emoji) of the text


def folded(text: str) -> str:
    """NFKC, no invisible characters, straight apostrophes, lower case; accents are kept."""
    text = _INVISIBLE.sub("", text[:MAX_CHARS])
    text = unicodedata.normalize("NFKC", text).translate(_STANDALONE)
    return _INVISIBLE.sub("", text).casefold().translate(_APOSTROPHES)


def without_accents(text: str) -> str:
    """`text` (already folded) with the accents taken off Latin, Greek, Cyrillic and Arabic letters."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_FOLDED_LETTERS)


def without_signature(text: str, known: frozenset[str] = frozenset()) -> str:
    """`text` without "Sent from my phone", "-- " blocks and a name after a dash or an empty line; never empty.

    A closing part that holds one of the `known` words is no signature ("Not interested\\nStop").
    """
    cut = _BREAKS.sub("\n\n", _BREAK.sub("\n", _BLANKS.sub(" ", text[:MAX_CHARS]))).strip()
    for pattern in (_DELIMITED_SIGNATURE, _SIGNATURE_LINE):
        match = pattern.search(cut, max(0, len(cut) - _LONGEST_SIGNATURE))
        cut = (cut[: match.start()].strip() or cut) if match else cut
    for pattern in (_CLOSING_LINE, _DASHED_NAME, _PERSON_BLOCK):
        match = pattern.search(cut, max(0, len(cut) - _LONGEST_SIGNATURE))
        if match is None or not _WORD.search(cut[: match.start()]):
            continue
        words = _WORD.findall(without_accents(folded(match[0])))
        spelled = {*(_latin(word, known) for word in words), "".join(words)}
        if spelled.isdisjoint(known) and {collapsed(word) for word in spelled}.isdisjoint(known):
            cut = cut[: match.start()].strip()
    return cut


def collapsed(word: str) -> str:
    """Every run of one letter as a single letter: two spellings that differ only in length become equal."""
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1])


def plain(text: str, known: frozenset[str], repaired: Callable[[str], str]) -> Plain:
    """The plain form of `text`.

    `known` holds the words that spaced, disguised or look-alike letters may be joined to; `repaired` gives the meant
    spelling of one word (itself when there is nothing to repair).
    """
    marked = folded(without_signature(text, known))
    signs = frozenset(c for c in marked if unicodedata.category(c) in {"So", "Sk"} or c in "❌✋")
    s = without_accents(_STARRED.sub("fuck", _KEYCAP_HASH.sub(" number ", marked)))
    if _FOREIGN_LETTER.search(s):
        s = _WORD.sub(lambda m: _latin(m[0], known), s)
    if not s.isalpha():
        s = _CHUNK.sub(lambda m: _unleet(m[0], known), s)
        s = _SPACED_LETTERS.sub(lambda m: _joined(m[0], known), s)
    s = _CONTRACTION.sub("", s)
    flow: list[str] = []
    clauses: list[tuple[str, ...]] = []
    clause: list[str] = []
    for match in _TOKEN.finditer(s):
        token = match[0]
        if token[0].isalnum():
            words = repaired(token).split()
            flow += words
            clause += words
            continue
        if clause:
            clauses.append(tuple(clause))
            clause = []
        if token not in ",，、" and flow and flow[-1] not in "|?":
            flow.append("?" if token in "?？؟" else "|")
        elif token in "?？؟" and flow and flow[-1] == "|":
            flow[-1] = "?"
    if clause:
        clauses.append(tuple(clause))
    letters = "".join(w for c in clauses for w in c)
    return Plain(" ".join(flow), tuple(clauses), frozenset(flow) - {"|", "?"}, letters, marked, bool(letters), signs)


def _latin(word: str, known: frozenset[str]) -> str:
    """Look-alike letters as Latin where scripts are mixed, or where only so a known word comes out."""
    if not _FOREIGN_LETTER.search(word):
        return word
    swapped = "".join(_LOOK_ALIKE.get(c, c) for c in word)
    if _FOREIGN_LETTER.search(swapped):
        return word
    if _LATIN_LETTER.search(word) or swapped in known or collapsed(swapped) in known:
        return swapped
    return word


def _unleet(chunk: str, known: frozenset[str]) -> str:
    if len(chunk) > _LONGEST_CHUNK or not _LEET_SIGN.search(chunk):
        return chunk
    core = _OUTER.sub("", chunk)
    word = core.translate(_LEET)
    if len(word) >= 4 and sum(c.isalpha() for c in core) >= 2 and collapsed(word) in known and core not in known:
        return chunk.replace(core, word)
    return chunk


def _joined(run: str, known: frozenset[str]) -> str:
    letters = "".join(c for c in run if c.isalnum())
    if not any(c.isalpha() for c in letters):
        return run
    word = letters.translate(_LEET)
    return word if word in known or collapsed(word) in known else run
