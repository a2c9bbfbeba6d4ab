"""What a text that we show or send says, in English and Spanish: read for its meaning, denials seen. Pure.

A claim is looked for sentence by sentence. A text says something when some sentence affirms it and none denies it, so
that "Consent is a condition of purchase" or "these texts are not automated" do not pass for the words they contain.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from consent.purposes import Purpose


class Severity(StrEnum):
    ERROR = "error"  # must not be published, sent or submitted like this
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a wording: which item, and what to do about it."""

    item: str
    what_to_do: str
    severity: Severity = Severity.ERROR


class Claim(StrEnum):
    AFFIRMED = "affirmed"
    DENIED = "denied"


def packaged(name: str) -> dict[str, Any]:
    """A table of this package, from data/."""
    read: dict[str, Any] = json.loads(resources.files("consent").joinpath(f"data/{name}").read_text("utf-8"))
    return read


SHORTENERS = frozenset(packaged("links.json")["shorteners"])

# A full stop after one of these ends no sentence.
_ABBREVIATED = re.compile(
    r"\b(msgs?|freq|approx|aprox|max|min|mo|wk|inc|llc|co|corp|ltd|st|no|núm|vs|e\.g|i\.e)\.(?=\s)", re.I
)
_SENTENCE_END = re.compile(r"[.!?]+(?=[\s\"')\]]|$)|\n+")
_SPACES = re.compile(r"\s+")
_QUOTES = str.maketrans(
    {
        **dict.fromkeys("‘’ʼ", "'"),
        **dict.fromkeys("“”«»", '"'),
        **dict.fromkeys("‐‑", "-"),
        **dict.fromkeys("‒–—", " - "),
    }
)

# Said as a denial, meant as a statement.
_NO_DENIALS = (
    (
        re.compile(
            r"\b(?:including,? )?but not limited to\b|\bnot limited to\b(?! \d)|\bentre otros\b|\bsin limitarse a\b"
        ),
        "including",
    ),
    (re.compile(r"\b(?:no|not|never) more than\b|\bno (?:mas|superior) (?:de|a)\b"), "up to"),
    (re.compile(r"\bnot (?:just|only|merely|simply)\b|\bno (?:solo|solamente|unicamente)\b"), "also"),
    (re.compile(r"\bno later than\b|\bno matter\b"), "by"),
    (re.compile(r"\bneither\b(.{0,60}?)\bnor\b"), r"not\1or"),
    (re.compile(r"\bno (?=automati|recurrent)"), "non-"),  # before an adjective it denies that one only
    (re.compile(r"\b(no|ni|nunca|sin)\b(.{0,80}?)\bningun\w*"), r"\1\2algun"),  # in Spanish one denial, said twice
)
_NEGATOR = re.compile(
    r"\b(?:not|no|never|none|nor|neither|without|cannot|false|untrue|falso|free of|instead of|rather than|nunca|jamas|sin|ni|tampoco|ningun[oa]?s?)\b"
    r"|\b(?:do|does|did|is|are|was|were|wo|ca|could|should|would|must|need|have|has)n't\b"
)
_BREAK = re.compile(
    r",? but\b|;|\bpero\b|, (?:and |y )?(?:you|we|i|usted|yo|nosotros)\b|\bsino\b|:|, (?:about|regarding|texts?|from|sobre)\b"
)
_CONDITIONAL = re.compile(r"\b(?:if|when|unless|si|cuando) (?:you|i|usted|ya|no)\b[^,]*,")
_NEAR_WORDS = 7  # how many words a denial reaches forward
_NEAR_CHARS = 160
_LACKING = frozenset({"without", "sin", "free of", "instead of", "rather than"})  # these deny what follows at once
_LACKING_WORDS = 3

_TEXTS = r"(?:texts?|texting|messages?|messaging|msgs?|sms|mms|mensajes?|mensajeria|textos?|robotexts?)"


def plain(text: str) -> str:
    """`text` in one spelling: compatibility forms, case and accents folded, quotes and dashes plain, one space."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold())
    bare = "".join(character for character in decomposed if unicodedata.category(character) not in ("Mn", "Cf"))
    return _SPACES.sub(" ", bare).strip()


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text` as written, without their final marks. "Msg." and a dot inside a link end none."""
    whole = _ABBREVIATED.sub(r"\1", text.translate(_QUOTES))
    return tuple(piece.strip() for piece in _SENTENCE_END.split(whole) if piece.strip(" \"')"))


def _plain_sentences(text: str) -> Iterator[str]:
    for sentence in sentences(text):
        folded = plain(sentence).replace("&", " and ").replace("cannot", "can not")
        for pattern, meant in _NO_DENIALS:
            folded = pattern.sub(meant, folded)
        yield _SPACES.sub(" ", folded)


def _settled(claims: Iterable[Claim | None]) -> Claim | None:
    found = set(claims)
    if Claim.DENIED in found:
        return Claim.DENIED
    return Claim.AFFIRMED if Claim.AFFIRMED in found else None


def _denied_before(sentence: str, at: int, reach: int = _NEAR_WORDS) -> bool:
    """Whether a denial governs what stands at `at`: near enough before it, and no new clause between."""
    before = sentence[max(at - _NEAR_CHARS, 0) : at]
    conditional = [each.end() for each in _CONDITIONAL.finditer(before)]
    breaks = [each.end() for each in _BREAK.finditer(before)]
    before = before[max([*conditional, *breaks], default=0) :]
    denials = [
        each
        for each in _NEGATOR.finditer(before)
        if len(before[each.end() :].split()) <= (min(reach, _LACKING_WORDS) if each.group() in _LACKING else reach)
    ]
    return len(denials) % 2 == 1


def _read(
    text: str, pattern: re.Pattern[str], *, needs: re.Pattern[str] | None = None, reach: int = _NEAR_WORDS
) -> Claim | None:
    """Whether `text` claims `pattern`, in a sentence that also has `needs`; denied where a denial governs it."""

    def claims() -> Iterator[Claim | None]:
        for sentence in _plain_sentences(text):
            sentence = _without_condition(sentence)
            if needs and not needs.search(sentence):
                continue
            for match in pattern.finditer(sentence):
                inside = bool(_INNER_DENIAL.search(match.group()))
                denied = inside != _denied_before(sentence, match.start(), reach)
                yield Claim.DENIED if denied else Claim.AFFIRMED

    return _settled(claims())


def affirms(text: str, pattern: re.Pattern[str], *, governed: bool = True, beside_buying: bool = False) -> bool:
    """Whether some sentence of `text` says `pattern`, whatever the others deny. `governed`: a denial before it counts.

    `beside_buying` leaves out what is said of agreeing and buying: `says_not_a_condition` reads that.
    """
    left = _without_buying if beside_buying else _without_condition
    return any(
        not (governed and _denied_before(sentence, match.start()))
        for sentence in map(left, _plain_sentences(text))
        for match in pattern.finditer(sentence)
    )


_INNER_DENIAL = re.compile(r"^non[- ]|\b(?:not|never|no|nunca|n't)\b")

# --- Brand -----------------------------------------------------------------------------------------------------------


def names_brand(text: str, brand: str) -> bool:
    """Whether `brand` stands in `text` as words of its own: not inside a word, a hyphenated name or an address."""
    wanted = plain(brand).replace("&", " and ")
    wanted = _SPACES.sub(" ", wanted).strip()
    if not wanted:
        return False
    shown = _SPACES.sub(" ", plain(text).replace("&", " and "))
    bounded = rf"(?<![\w@/-])(?<!\w\.){re.escape(wanted)}(?![\w@-])(?!\.\w)"
    disowned = rf"\b(?:not|no) (?:(?:affiliated|associated|connected|working) )?(?:with|from|by|de|con|sent by) {re.escape(wanted)}"
    disowned += (
        rf"|(?<!nobody )(?<!no one )\b(?:other than|(?:any|every)(?:one|body) (?:but|except)) {re.escape(wanted)}"
    )
    return bool(re.search(bounded, shown)) and not re.search(disowned, shown)


def without_brand(text: str, brand: str) -> str:
    """`text` with a plain word in place of `brand`: "No Limit Motors" denies nothing, "Stop & Shop" ends nothing."""
    words = r"\s+".join(map(re.escape, brand.split()))
    return re.sub(rf"(?<!\w){words}(?!\w)", "Us", text, flags=re.IGNORECASE) if words else text


# --- Automation ------------------------------------------------------------------------------------------------------

_MACHINE_NAMED = (
    r"\bauto(?:mated|matically)?[- ]?(?:dial(?:ed|er|ing)|text(?:ed|er|ing)?)\b|\batds\b|\brobotexts?\b"
    r"|\b(?:ai|artificial intelligence|virtual|automated|digital)(?:[- ](?:powered|based|generated|written|driven))?[- ](?:\w+ )?(?:assistant|agent|chat|bot|texts?|messages?|replies)\b"
    r"|\bchat ?bots?\b|\bbots?\b|\bartificial intelligence\b|\bcomputer[- ]generated\b"
    r"|\b(?:by|with|using|via|from|por|con|mediante) (?:an? |una? )?(?:ai|ia)\b"
    r"|\basistentes? (?:virtual(?:es)?|de ia|automatizad\w+|automatic\w+|con ia)\b|\binteligencia artificial\b"
    r"|\bmarca(?:dor|cion) automatic[oa]\b"
)
_AUTOMATED = re.compile(
    rf"\b(?:non[- ])?(?:automated|automatically|automatic(?! (?:transmissions?|gear\w*|renewals?|payments?|garage|doors?|cars?|braking))"
    rf"|automatizad[oa]s?|automatic[oa]s?|automaticamente)\b|{_MACHINE_NAMED}"
)
_ABOUT_TEXTS = re.compile(rf"\b{_TEXTS}\b|\bassistant\b|\basistente\b|\breplies\b|\brespuestas\b")


def says_automated(text: str) -> Claim | None:
    """Whether `text` says that the messages are automated, autodialed or written by an assistant that is none."""
    return _read(text, _AUTOMATED, needs=_ABOUT_TEXTS)


# --- Purpose ---------------------------------------------------------------------------------------------------------

_PURPOSE_WORDS: Mapping[Purpose, re.Pattern[str]] = {
    Purpose.INQUIRY: re.compile(
        r"\binquir(?:y|ies)\b|\benquir(?:y|ies)\b|\b(?:my|your|the|these|those|a|any) (?:\w+ )?(?:questions?|requests?)\b|\bfollow(?:ing)?[- ]ups?\b"
        r"|\bconsultas?\b|\bpreguntas?\b|\bsolicitud(?:es)?\b|\b(?:what|the (?:home|house|vehicle|car|property)) (?:i|you) asked\b|\bseguimiento\b"
    ),
    Purpose.APPOINTMENT: re.compile(
        r"\bappointments?\b|\bappts?\b|\btours?\b|\bvisits?\b|\btest[- ]drives?\b|\bshowings?\b|\bbookings?\b|\breminders?\b"
        r"|\bcitas?\b|\bvisitas?\b|\bpruebas? de manejo\b|\brecordatorios?\b|\breserv(?:a|as|aciones)\b"
    ),
    Purpose.NOTIFICATION: re.compile(
        r"\bnotifications?\b|\balerts?\b|\b(?:service|status|order|account) (?:\w+ )?(?:updates?|messages?|texts?)\b|\bupdates\b"
        r"|\bnotificacion(?:es)?\b|\bavisos?(?! de privacidad)\b|\balertas?\b|\bactualizacion(?:es)?\b"
    ),
    Purpose.MARKETING: re.compile(
        r"\bmarketing\b|\bpromotion(?:al|s)?\b|\bpromos?\b|\bspecial offers\b|\b(?:special )?offers\b|\bdeals\b|\bdiscounts?\b|\bspecials\b|\bnewsletters?\b"
        r"|\bprice (?:drops?|changes?)\b|\bnew listings?\b|\bopen houses?\b|\badvertis(?:ing|ements?)\b"
        r"|\bpromocion(?:es|ales)?\b|\bpromocional(?:es)?\b|\bofertas\b|\bdescuentos?\b|\bmercadotecnia\b|\bpublicidad\b|\bpublicitarios?\b"
        r"|\bbajas de precio\b|\bnuevas (?:casas|propiedades)\b"
    ),
}  # fmt: skip
_OTHER_PURPOSE = re.compile(
    r"\b(?:about|regarding|concerning|related to|sobre|acerca de|relacionados con)\b (?:\w+ ){0,4}(?:homes?|houses?|propert(?:y|ies)|vehicles?|cars?"
    r"|listings?|services?|orders?|accounts?|casas?|propiedad(?:es)?|autos?|vehiculos?|servicios?|cuentas?|pedidos?)\b"
)
_PURPOSE_REACH = 3  # "never text you about offers"; farther away a denial is one of something else
NAMED_PURPOSES = tuple(_PURPOSE_WORDS)  # a reply to somebody's own text needs no naming


def says_purpose(text: str, purpose: Purpose) -> Claim | None:
    """Whether `text` says that messages come for `purpose`, one of NAMED_PURPOSES."""
    return _read(text, _PURPOSE_WORDS[purpose], reach=_PURPOSE_REACH)


def says_any_purpose(text: str) -> bool:
    """Whether `text` says what the messages are about, in a sentence that speaks of messages."""
    needs = re.compile(rf"\b{_TEXTS}\b|\breminder\b|\brecordatorio\b")
    patterns = [*_PURPOSE_WORDS.values(), _OTHER_PURPOSE]
    return any(_read(text, pattern, needs=needs, reach=_PURPOSE_REACH) == Claim.AFFIRMED for pattern in patterns)


# --- Frequency -------------------------------------------------------------------------------------------------------

_COUNT = (
    r"(?:\d+|one|two|three|four|five|six|seven|eight|ten|twelve|un|una|dos|tres|cuatro|cinco|seis|siete|ocho|diez|doce)"
)
_PERIOD = r"(?:days?|weeks?|months?|mo|wk|years?|inquiry|request|visit|appointment|dia|semana|mes|ano|consulta|solicitud|cita)"
_HOW_OFTEN = (
    rf"\b(?:freq|frequency|frequencies|frecuencia)\b(?: of| de| del| for)?(?: (?:the|our|these|los|las|estos|{_TEXTS}|and|y)){{0,4}}"
    r" ?(?:is |es |puede |may |will |can |could |[:-] ?)?(?:var(?:y|ies|iable|ia|iar|iara)|depends?|depende|\d)"
    rf"|\b(?:varying|variable) (?:{_TEXTS} )?freq(?:uency)?\b"
    rf"|\b{_COUNT}\b(?: \w+){{0,4}}? {_TEXTS}\b ?(?:per|a|an|each|every|/|por|al|a la|cada|in any)? ?(?:\d+ )?{_PERIOD}\b"
    rf"|\b(?:up to|max|maximum|maximo|about|around|approx(?:imately)?|hasta)(?: of| de)? {_COUNT}(?: {_TEXTS})? ?(?:per|a|an|each|/|por|al|a la|cada) ?{_PERIOD}\b"
    rf"|\b(?:daily|weekly|monthly)(?: \w+){{0,3}}? {_TEXTS}\b|\b{_TEXTS} (?:daily|weekly|monthly)\b"
    rf"|\b{_TEXTS} (?:diarios|semanales|mensuales)\b|\b{_TEXTS} (?:sent )?(?:once|twice) (?:a|per) {_PERIOD}\b"
    rf"|\bnumber of {_TEXTS} (?:varies|may vary|will vary|depends)\b|\bnumero de {_TEXTS} (?:varia|puede variar|depende)\b"
    rf"|\b(?:one|single)[- ]time {_TEXTS}\b|\b{_TEXTS}(?: \w+){{0,3}} on an? (?:daily|weekly|monthly) basis\b"
)
_RECURS = (
    rf"\b(?:non[- ])?(?:recurring|recurrentes?|periodic[oa]?s?|ongoing)\b(?! (?:payments?|charges?|billing|fees?|pagos|cargos))(?: \S+){{0,7}}? {_TEXTS}\b"
    rf"|\b{_TEXTS}\b(?:,? (?:that|are|is|will|be|and|also|automated|que|son|seran|y|de|texto|(?:non-)?automatic[oa]s|(?:non-)?automatizad[oa]s|publicitari[oa]s"
    rf"|promocionales|de marketing))*,? (?:non-)?(?:recurring|recurrentes?|periodicos)\b"
    rf"|\b{_TEXTS}(?: \w+){{0,3}} on an? (?:recurring|ongoing|regular|periodic) basis\b"
)
_FREQUENCY = re.compile(_HOW_OFTEN)
_FREQUENCY_OR_RECURS = re.compile(f"{_HOW_OFTEN}|{_RECURS}")


def says_frequency(text: str, *, recurring: bool = True) -> Claim | None:
    """Whether `text` says how often messages come, or that it varies. `recurring`: that they recur is enough."""
    recurs = _read(text, _FREQUENCY_OR_RECURS)
    return recurs if recurring or recurs == Claim.DENIED else _read(text, _FREQUENCY)


# --- Rates -----------------------------------------------------------------------------------------------------------

_RATES = r"(?:rates?|charges?|fees?|costs?|tarifas?|cargos?|costos?|costes?)"
_APPLY = (
    r"(?:apply|applies|applicable|appl|charged|incurred|incur|aplicar(?:se|an|le)?|aplican?|aplicables?|cobrar(?:se|le|an)?"
    r"|(?:may|might|will|could|puede|podria) (?:also )?(?:charge|cobrar\w*))"
)
_RATES_APPLY = re.compile(rf"\b{_RATES}\b[^;]{{0,120}}?\b{_APPLY}\b|\b{_APPLY}\b[^;]{{0,120}}?\b{_RATES}\b")
_OTHER_RATES = re.compile(
    r"\b(?:mortgage|interest|loan|lease|financ\w+|tax|hotel|insurance|late|dealer|processing|delivery|doc\w*) (?:rates?|charges?|fees?|costs?)\b"
    r"|\b(?:tarifas?|cargos?|costos?) (?:de|por) (?:envio|interes\w*|financ\w+|seguro|tramite)\b"
)
_FOR_TEXTS = re.compile(rf"\b{_TEXTS}\b|\bcarrier|\boperador|\bcompania telefonica\b")
_FOR_DATA = re.compile(r"\bdata\b|\bdatos\b")
_NOT_APPLY = re.compile(
    rf"(?:\b(?:not|never|no|nunca)|n't)\b (?:be |se |le )*{_APPLY}\b|\b(?:no|sin|zero) (?:\w+ ){{0,4}}{_RATES}\b"
)


_APPLY_TO_NOBODY = re.compile(
    rf"\b{_APPLY}\b[^;]{{0,40}}?\b(?:but not|but never|not to|never to|to (?:nobody|no one|none|nothing)|pero no|a nadie)\b"
    rf"|\b(?:false|untrue|not true|falso) (?:that|que)\b|\bwithout (?:\w+ ){{0,4}}{_RATES}\b|\b(?:nobody|no one|nadie) (?:\w+ ){{0,3}}(?:charged|pays?|paga)\b"
)


def says_rates(text: str, *, brief: bool = False) -> Claim | None:
    """Whether `text` says that message and data rates may apply. `brief` (a text of one segment) takes less."""

    def claims() -> Iterator[Claim | None]:
        for sentence in _plain_sentences(text):
            for clause in re.split(r"[;]|, (?=(?:reply|text|we|responda|envie)\b)", sentence):
                own = _OTHER_RATES.sub(" ", _spelled(clause))
                if not _RATES_APPLY.search(own):
                    continue
                denied = bool(_NOT_APPLY.search(own) or _APPLY_TO_NOBODY.search(own))
                named = bool(_FOR_TEXTS.search(own)) and bool(denied or _FOR_DATA.search(own))
                if named or brief:
                    yield Claim.DENIED if denied else Claim.AFFIRMED

    return _settled(claims())


def _spelled(clause: str) -> str:
    """`clause` with the joined forms of "message and data" apart: "msg/data", "msg+data"."""
    return re.sub(r"\b(msg|message|text|sms)s?\s*[/+]\s*data\b", r"\1 and data", clause)


# --- Words to reply with ---------------------------------------------------------------------------------------------

_ASK = (
    r"(?:reply(?:ing)?|respond(?:ing)?|text(?:ing)?|txt|send(?:ing)?|type|typing|write|answer(?:ing)?|say|use"
    r"|responda|respond[ae]r?|respondiendo|envie|envia|enviar|enviando|escriba|escribir|conteste|contestar|mande|mandar|diga|textee)"
)
_ASKED = re.compile(rf"\b{_ASK}\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_](?:[\w']*\w)?")
_SHOUTED_SHARE = 0.6  # a text mostly in capitals: they mark nothing
_TO = frozenset({"to", "para", "for", "a"})
_FOR_WHAT = re.compile(r"^[\"')]*\s*(?:to|for|para|si|if|=|:|at any|en cualquier|and|or|y|o|u|,|\.|$)", re.IGNORECASE)
_ASKED_NOT = re.compile(
    rf"(?:\b(?:not|never|no|don't)(?: \w+)?(?: to)?|\b(?:can't|can ?not|may not|unable|impossible|no (?:se )?puede)(?: [\w-]+){{0,6}}) {_ASK}\b"
    r"(?: \S+){0,4}? ?[\"']?$"
    r"|\b(?:not|never|don't|doesn't|won't|no) (?:honou?r|accept|process|support|recogni[sz]e|offer|take|respect|acept|proces)\w*(?: \w+){0,2} [\"']?$",
    re.IGNORECASE,
)
_SERVES = re.compile(r"^[\"')]*\s*(?:to|for|para|=|:|at any|en cualquier)", re.IGNORECASE)
_HAS_NO_EFFECT = re.compile(
    r"^[\"')]*,?\s*(?:(?:which|that|it|a|this|que|eso|o [A-Z]+|or [A-Z]+)\s+)?(?:will not|won't|does not|doesn't|do not|is not|isn't|cannot|can't|no)\b"
    r"(?! (?:more|longer|further|recibir))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A word that a text asks to reply with, and what for: what follows it, up to the next such word."""

    word: str  # as written
    goal: str  # plain
    denied: bool
    at: int  # where it stands in its sentence


def offers(text: str, words: frozenset[str]) -> tuple[Offer, ...]:
    """Where `text` asks to reply with one of `words` (plain forms). An aim ("to stop", "to cancel") is no such word."""
    letters = [character for character in text if character.isalpha()]
    shouted = sum(character.isupper() for character in letters) > _SHOUTED_SHARE * max(len(letters), 1)
    return tuple(offer for sentence in sentences(text) for offer in _offers(sentence, words, shouted=shouted))


def _offers(sentence: str, words: frozenset[str], *, shouted: bool) -> Iterator[Offer]:
    tokens = list(_WORD.finditer(sentence))
    asked = False
    found: list[tuple[re.Match[str], bool]] = []
    for index, token in enumerate(tokens):
        if plain(token.group()) in words and _is_offered(sentence, tokens, index, asked=asked, shouted=shouted):
            before = sentence[max(token.start() - _NEAR_CHARS, 0) : token.start()]
            denied = bool(_ASKED_NOT.search(before)) or bool(_HAS_NO_EFFECT.search(sentence[token.end() :]))
            found.append((token, denied))
        asked = asked or bool(_ASKED.fullmatch(token.group()))
    ends = [token.start() for token, _ in found[1:]] + [len(sentence)] * bool(found)
    for (token, denied), following in zip(found, ends, strict=True):
        yield Offer(token.group(), plain(sentence[token.end() : following]), denied, token.start())


def _is_offered(sentence: str, tokens: list[re.Match[str]], index: int, *, asked: bool, shouted: bool) -> bool:
    token = tokens[index]
    quoted = sentence[token.start() - 1 : token.start()] in ('"', "'") if token.start() else False
    previous = plain(tokens[index - 1].group()) if index else ""
    if quoted:
        return asked
    if previous in _TO:
        return False
    marked = token.group().isupper() and len(token.group()) > 1 and not shouted
    follows = bool(_FOR_WHAT.match(sentence[token.end() :]))
    if marked:
        labelled = sentence[: token.start()].rstrip().endswith((":", "="))  # "Opt out: STOP"
        return asked or labelled or bool(_SERVES.match(sentence[token.end() :]))
    if not asked:
        return False
    directly = bool(
        re.search(
            rf"\b{_ASK}(?: us| back| with| con| the word| la palabra| just){{0,2}} $", sentence[: token.start()], re.I
        )
    )
    listed = previous in {"or", "and", "o", "y", "u"} or sentence[: token.start()].rstrip().endswith((",", ";", "/"))
    return (directly and follows) or (
        listed and bool(re.match(r"\s*(?:to|for|para|if|si|=)\b", sentence[token.end() :], re.I))
    )


STOP_WORDS = frozenset({"stop", "alto", "parar", "arret"})
HELP_WORDS = frozenset({"help", "ayuda", "aide"})
START_WORDS = frozenset({"start", "unstop"})  # what carriers take as well; YES is an answer, not an opt-in by itself


def says_reply(text: str, words: frozenset[str]) -> Claim | None:
    """Whether `text` tells that one may reply with one of `words`, as with STOP or HELP."""
    return _settled(Claim.DENIED if offer.denied else Claim.AFFIRMED for offer in offers(text, words))


# What such a word does, as a text says it after the word or before it.
_END = (
    r"(?:opt(?:ing)?[- ]?out|unsubscribe|end(?:ing)?|stop|cancel(?:ling)?|quit|leave|halt|discontinue|terminate|withdraw|revoke|decline|remove"
    r"|be (?:removed|taken off|unsubscribed|opted out)|(?:get|receive) no (?:more|further)|no longer (?:get|receive|be)|not (?:to )?(?:get|receive)"
    r"|terminar|cancelar|parar|finalizar|detener|salir|anular|suspender|desuscribir\w*|dar(?:se|me)? de baja|dejar de|no recibir|poner fin"
    r"|arreter|(?:vous |me |se )?desabonner|annuler|mettre fin|cesser|ne plus)\b"
)
_MEANWHILE = (
    r"(?:at any time|any ?time|whenever (?:i|you) (?:like|want|wish)|now|back|in reply|to (?:this|our|that|the) (?:number|text|message)|to any (?:of them|text|message)"
    r"|to \+?[\d -]{5,}|en cualquier momento|cuando (?:quiera|desee)|a este numero|en tout temps|a tout moment|(?:or|and|o|y|u|ou) [\w ,']{2,30}?)"
)
_ENDS_AFTER = re.compile(
    rf"^\W*(?:{_MEANWHILE}\W+)*(?:(?:to|and to|in order to|para|pour|for|=|:)\W*(?:\w+ly )?{_END}"
    r"|(?:ends|stops|cancels|unsubscribes|terminates|removes|halts|opts (?:you|me) out|termina|cancela|detiene|finaliza|will (?:end|stop|cancel|unsubscribe|opt|remove|terminate))\b"
    r"|(?:and )?(?:we|texts|messages|they|you)(?:'ll| will)?(?: be)? (?:stop|end|unsubscribed|removed|opted out)\b"
    r"|if (?:you|i) (?:no longer|do not|don't) (?:want|wish)|si (?:ya )?no (?:quiere|desea))"
)
_AS_WELL = re.compile(r"^(?:[\"']?,? ?(?:(?:or|and|o|y|ou) |/ ?)?[\"']?[A-ZÑÉÊÓ]{3,}\b[\"']?)+")  # "STOP, END or QUIT"
_ENDS_BEFORE = re.compile(
    rf"\b{_END}|\bif (?:you|i) (?:no longer|do not|don't) (?:want|wish)|\bsi (?:ya )?no (?:quiere|desea)"
)
_ENDED_LATER = re.compile(
    r"\b(?:no|not|never|won't|don't|ne|without|sin|ya no)\b(?: (?:to|be))?"
    r" (?:more|further|longer|additional|extra|any|get|receive|texted|contacted|text|send|contact|message|want|wish|recib\w+|enviar\w*|desea|quiere|plus"
    r"|charge|cost|fee|costo|cargo|obligation|questions?)\b"
)
_IGNORED = re.compile(
    r"\b(?:nothing|nobody|nada|ignor\w+|disregard\w*|discard\w*|useless|pointless|fail(?:s|ed)?|disabled|unavailable|anyway|regardless|vain|en vano|pas|jamais|aucun\w*"
    r"|continu(?:e|es|ed|ing)|go(?:es)? on|carry on|resum(?:e|es)|persists?|keeps? (?:on|getting|receiving|sending|texting|coming|going)"
    r"|still (?:\w+ )?(?:get|receive|send|text|come|arrive|reach)(?! (?:one|a)\b)|seguir\w*|siguen?|continua\w*"
    r"|if we|unless we|subject to|at our discretion|for a fee|only (?:if|after)|after (?:\d+|an?|one|two|three|thirty|sixty|ninety) (?:days?|weeks?|months?|years?)|start|subscribe|join)\b"
)
_SAME_CLAUSE = re.compile(
    r";|, (?!(?:which|that|but|though|although|however|yet|only|and|or|it|this|we|you|they|texts|messages|even|except|unless|if|to|pero|aunque|que|lo que|o|y|para|sin)\b)"
)
_SAME_CLAUSE_OF_TWO = re.compile(  # where another such word follows, "we" and "you" speak of that one
    r";|, (?!(?:which|that|but|though|although|however|yet|it|this|even|except|unless|if|pero|aunque|lo que)\b)"
)
_NO_WAY_OUT = re.compile(
    r"(?:\b(?:no way|impossible|nothing|nobody|no one|not|never|no|cannot|unable|nada|nunca|no (?:se )?puede)\b|n't\b)(?: (?!hard|difficult|need|want)\w+){0,3}? "
    r"(?:(?:opt|opting) out|unsubscribe|ends?|stops?|cancels?|quit|terminar?|cancelar?|detener|termina|detiene)\b"
    rf"(?: (?:of|from|receiving|getting|de recibir|these|the|our|los|las|estos))* (?:{_TEXTS}|them)\b"
    rf"|\b(?:{_TEXTS}|they) (?:(?:will|may|shall) )?(?:continue|go on|keep coming) (?:after|anyway|regardless|even|whatever|forever)\b"
    rf"|\b(?:{_TEXTS}|they) (?:(?:will|can|do|may|nunca|no) )?(?:(?:never|not|nunca|no) )(?:be )?(?:end|ends|stop|stopped|ended|terminan?|se detienen)\b"
)


def says_stop(text: str) -> Claim | None:
    """Whether `text` says that replying STOP ends the messages: the word alone says nothing."""
    lasting = (Claim.DENIED for sentence in _plain_sentences(text) if _NO_WAY_OUT.search(_without_condition(sentence)))
    return _settled([*lasting, *_effects(text, STOP_WORDS, needs_ending=True)])


def says_help(text: str) -> Claim | None:
    """Whether `text` says that one may reply HELP, and denies nowhere that it helps."""
    return _settled(_effects(text, HELP_WORDS, needs_ending=False))


def _effects(text: str, words: frozenset[str], *, needs_ending: bool) -> Iterator[Claim | None]:
    """What `text` says of each place where one of `words` stands, up to the next such word on either side."""
    either = STOP_WORDS | HELP_WORDS
    letters = [character for character in text if character.isalpha()]
    shouted = sum(character.isupper() for character in letters) > _SHOUTED_SHARE * max(len(letters), 1)
    for sentence in sentences(text):
        offered = {offer.at: offer for offer in _offers(sentence, either, shouted=shouted)}
        named = [
            token
            for token in _WORD.finditer(sentence)
            if plain(token.group()) in either
            and (token.start() in offered or (token.group().isupper() and not shouted))
        ]
        for index, token in enumerate(named):
            if plain(token.group()) not in words:
                continue
            since = named[index - 1].end() if index else 0
            until = named[index + 1].start() if index + 1 < len(named) else len(sentence)
            before = _meant(sentence[since : token.start()]).split(";")[-1]
            ends = _SAME_CLAUSE if until == len(sentence) else _SAME_CLAUSE_OF_TWO
            following = sentence[token.end() : until] if shouted else _AS_WELL.sub(" ", sentence[token.end() : until])
            after = ends.split(_meant(following))[0]
            offer = offered.get(token.start())
            if _undone(before, after) or (offer is not None and offer.denied):
                yield Claim.DENIED
            elif offer is not None or _ENDS_AFTER.search(after):
                ending = _ENDS_AFTER.search(after) or _ENDS_BEFORE.search(before)
                yield Claim.AFFIRMED if ending or not needs_ending else None


def _meant(piece: str) -> str:
    """`piece` plain, without the denials that deny nothing of a word to reply with."""
    meant = plain(piece).replace("cannot", "can not")
    for pattern, instead in _NO_DENIALS:
        meant = pattern.sub(instead, meant)
    return f" {_without_condition(meant)} "


def _undone(before: str, after: str) -> bool:
    """Whether the words around one to reply with take its effect away."""
    ended = _ENDS_AFTER.search(after)
    rest = f" {after[ended.end() :]}" if ended else after
    if _IGNORED.search(rest) or _NEGATOR.search(_ENDED_LATER.sub(" ", rest)):
        return True
    aim = _ENDS_BEFORE.search(before)
    if aim and not aim.group().startswith(("if", "si")) and _denied_before(before, aim.start()):
        return True
    return bool(_UNHEEDED.search(before))


_UNHEEDED = re.compile(
    r"\b(?:ignor\w+|disregard\w*|discard\w*|pointless|useless|in vain|continu(?:e|es)(?!.*\buntil\b)|keep (?:on )?(?:getting|receiving|sending|texting)|keep coming|still (?:get|receive|text|send|come)|go on|seguiremos|seguira|siguen"
    r"|no (?:point|use)|even (?:if|after|when))\b"
)


# --- Not a condition of purchase -------------------------------------------------------------------------------------

_BUY = (
    r"(?:purchas(?:e|es|ing)|buy(?:ing)?|sales?|goods|services?|leas(?:e|ing)|rent(?:ing)?|do(?:ing)? business|transaction|products?"
    r"|compras?|comprar|comprarle|adquirir|servicios?|productos?|alquilar|rentar|arrendar)"
)
_NEED = (
    r"(?:conditions?|prerequisite|requirements?|condicion(?:es)?|requisito|condicionad[oa])"
    r"|(?:required|necessary|needed|mandatory|obligated|obligatory|must|(?:have|has|need|needs) to|requires?"
    r"|obligatori[oa]|necesari[oa]|requerid[oa]|requiere|debe|debo|tiene que|tengo que|necesit[ao]|obligad[oa])"
)
_NEEDED = re.compile(rf"\b(?:{_NEED})\b")
_NOUN = re.compile(r"condition|prerequisite|requirement|condicion|requisito")
_CONSENT = re.compile(
    r"\b(?:consent(?:ing|s)?|agree(?:ing|ment|s)?|sign(?:ing|ature)?|opt(?:ing)?[- ]?in|permission|authoriz(?:e|ation|ing)|accept(?:ing|ance)?"
    r"|participat(?:ion|ing|e)|this|it|texts?|messages|consentimiento|consentir|acept(?:ar|o|a|acion)|autoriz(?:ar|acion|o)|firmar?|acuerdo|esto|ello)\b"
)
_BUY_FREELY = re.compile(
    rf"\b(?P<can>can|may|could|able to|puede|podra|puedo)(?P<no> not)?\b(?: \w+){{0,3}} {_BUY}\b[^;]{{0,60}}?\b(?:without|sin|whether or not|even if|regardless of|aunque no)\b (?:\w+ ){{0,3}}?"
    r"(?:consent|agree|agreeing|consenting|opting|signing|this|it|accepting|aceptar|consentir|firmar|esto|dar)"
)
_BUYING_NEEDS = re.compile(
    rf"\b{_BUY}\b(?: \w+){{0,2}}? (?:requires?|needs?|requiere|necesita|depends? (?:up)?on|depende de"
    r"|(?:conditioned|conditional|contingent|dependent) (?:up)?on)"
    r"(?: \w+){0,3}? (?:consent|agreement|agreeing|permission|consentimiento|aceptar)\b"
)
_BOUGHT = re.compile(rf"\b{_BUY}\b")
_CONDITION_REACH = 14  # words between what is needed and the purchase


def says_not_a_condition(text: str) -> Claim | None:
    """Whether `text` says that agreeing is no condition of buying. DENIED when it says that it is one."""
    return _settled(claim for sentence in _plain_sentences(text) for claim, _ in _conditions(sentence))


def _conditions(sentence: str) -> Iterator[tuple[Claim, tuple[int, int]]]:
    """Each claim about buying and agreeing, and where it stands."""
    freely = _BUY_FREELY.search(sentence)
    if freely:
        negated = bool(freely["no"]) or bool(re.search(r"\b(?:no|not)\s*$", sentence[: freely.start()]))
        yield (Claim.DENIED if negated else Claim.AFFIRMED), freely.span()
        return
    needs = _BUYING_NEEDS.search(sentence)
    if needs:
        negated = bool(_NEGATOR.search(needs.group())) or _denied_before(sentence, needs.start(), 2)
        yield (Claim.AFFIRMED if negated else Claim.DENIED), needs.span()
        return
    previous = 0
    for need in _NEEDED.finditer(sentence):
        if need.start() < previous:
            continue
        bought = _BOUGHT.search(sentence, need.end(), need.end() + _NEAR_CHARS)
        if not bought or len(sentence[need.end() : bought.start()].split()) > _CONDITION_REACH:
            continue
        since = max(previous, need.start() - _NEAR_CHARS)
        clause = re.split(r"[;:]|,? but |,? pero ", sentence[since : need.start()])[-1]
        noun = bool(_NOUN.match(need.group()))
        between = sentence[need.end() : bought.start()]
        if not noun and not _CONSENT.search(clause) and not _CONSENT.search(between):
            continue  # "you are not required to buy anything" speaks of buying, not of agreeing
        inner = re.split(r"[;:]|,", between)[0]
        denials = len(_NEGATOR.findall(clause)) + len(_NEGATOR.findall(inner))
        at = (need.start() - len(clause), bought.end())
        yield (Claim.AFFIRMED if denials % 2 else Claim.DENIED), at
        previous = bought.end()


def _without_condition(sentence: str) -> str:
    """`sentence` with the denials of "not a condition of purchase" taken out: they deny nothing else."""
    for _, (start, end) in tuple(_conditions(sentence)):
        kept = _NEGATOR.sub(lambda each: "-" * len(each.group()), sentence[start:end])
        sentence = sentence[:start] + kept + sentence[end:]
    return sentence


def _without_buying(sentence: str) -> str:
    """`sentence` without what it says of agreeing and buying."""
    for _, (start, end) in tuple(_conditions(sentence)):
        sentence = f"{sentence[:start]}{';' * (end - start)}{sentence[end:]}"
    return sentence


# --- Links and pages -------------------------------------------------------------------------------------------------

_TLDS = (
    "com|net|org|io|co|us|info|biz|app|dev|ai|me|ly|gl|gd|to|link|xyz|site|online|shop|homes|house|auto|cars|realty|example|test|page|store"
    "|mx|ca|uk|ru|cn|tv|cc|ws|be|gy|at|in|is|su|st|gg|im|li|sh|one|ee|fr|do|id|cl|bio|al|lol|tt|mp|it"
)
_LINK = re.compile(
    rf"(?<![\w@.-])(?:https?://[^\s<>\"']+|(?:[a-z0-9-]+\.)+(?:{_TLDS})\b(?:/[^\s<>\"']*)?)(?!@)", re.IGNORECASE
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\d$.,/-])(?:\+\d{8,15}|(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]{0,2}\d{3}[ .-]?\d{4}|\d{3}-\d{4})(?![\d-])"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in `text`, with or without a scheme; an e-mail address is none."""
    return tuple(match.group().rstrip(".,;:!?)") for match in _LINK.finditer(_MAIL.sub(" ", text)))


def phones_in(text: str) -> tuple[str, ...]:
    """What reads as a phone number: international, North American, or a local one with its dash."""
    return tuple(match.group() for match in _PHONE.finditer(_LINK.sub(" ", text)))


def mails_in(text: str) -> tuple[str, ...]:
    return tuple(_MAIL.findall(text))


def host_of(link: str) -> str:
    """The host of an address, in lower case without "www."; empty when it has none."""
    try:
        host = urlsplit(link if "://" in link else f"https://{link}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def is_shortened(link: str) -> bool:
    """Whether `link` goes through a public shortener."""
    host = host_of(link)
    return any(host == shortener or host.endswith(f".{shortener}") for shortener in SHORTENERS)


def is_public_link(link: str) -> bool:
    """Whether `link` is a whole https address of its own host. http passes on this machine, for a trial."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    if re.search(r"\s", link) or parts.username is not None or not host or is_shortened(link):
        return False
    return (parts.scheme == "https" and ("." in host or host in _LOOPBACK)) or (
        parts.scheme == "http" and host in _LOOPBACK
    )


_PRIVACY = re.compile(
    r"\bprivacy\b(?: (?:policy|notice|statement|practices))?|\b(?:politicas?|avisos?|declaracion) de (?:la )?privacidad\b|\bprivacidad\b"
)
_TERMS = re.compile(
    r"(?<!in )(?<!loan )(?<!lease )(?<!financing )(?<!finance )(?<!payment )(?<!credit )\bterms\b(?! of (?:the )?(?:loan|lease|sale|credit|financing|payment)\b)"
    r"|\b(?:terminos|condiciones) (?:y condiciones|de(?:l)? (?:uso|servicio|programa))\b|\bterminos\b"
)


_NO_PAGE = re.compile(
    r"^(?: of \w+| del? \w+)? ?(?:[:-] ?)?(?:none\b|ningun[ao]s?\b|no hay\b|missing\b|unavailable\b"
    r"|(?:(?:is|are|does|do|has|have|will|can|was|were) (?:not|never)|(?:is|are|does|do|has|have|was|were|wo)n't|no|nunca)"
    r" (?:\w+ )?(?:exist|apply|available|protect(?:ed)?|published|written|shown|ready|here|valid|binding|be (?:read|found|seen)|existen?|aplican?|disponibles?)\b)"
)
_WAVED_AWAY = re.compile(r"\b(?:forget|ignore|disregard|olvide|ignore)(?: about)?(?: (?:the|our|your|la|los))? $")


def _names_page(text: str, page: re.Pattern[str]) -> Claim | None:
    gone = (
        Claim.DENIED
        for sentence in _plain_sentences(text)
        for match in page.finditer(sentence)
        if _NO_PAGE.search(sentence[match.end() :]) or _WAVED_AWAY.search(sentence[: match.start()])
    )
    return _settled([*gone, _read(text, page)])


def names_privacy(text: str) -> Claim | None:
    return _names_page(text, _PRIVACY)


def names_terms(text: str) -> Claim | None:
    return _names_page(text, _TERMS)


# --- Ends and hours --------------------------------------------------------------------------------------------------

_ENDED = re.compile(
    r"\bunsubscribed\b|\bopted[- ]out\b|\bno (?:more|further|longer)\b[^.]*\b(?:texts?|messages?|msgs?)\b|\b(?:texts?|messages?) (?:have|has|are|were) (?:been )?(?:stopped|ended)\b"
    r"|\b(?:get|receive) no (?:texts?|messages?)\b|\b(?:won't|will not) (?:get|receive|text|send|message)\b"
    r"|\bya no (?:le )?(?:recibira|enviaremos|recibe|mandaremos)\b|\bno recib(?:e|ira)\b|\b(?:suscripcion|mensajes?) (?:cancelad\w+|terminad\w+)\b|\bdado de baja\b"
)
_ANY_HOUR = re.compile(
    r"\b(?:at )?any (?:hour|time of (?:the )?(?:day|night))\b|\b24 ?(?:/ ?7|hours|h)\b|\baround the clock\b|\bday (?:or|and) night\b|\bincluding at night\b"
    r"|\ba cualquier hora\b|\ben cualquier momento del dia\b|\bdia y noche\b|\bde dia (?:o|y) de noche\b|\bincluso de noche\b|\blas 24 horas\b"
)


def says_ended(text: str) -> bool:
    """Whether `text` confirms that messages end."""
    return any(_ENDED.search(sentence) for sentence in _plain_sentences(text))


def says_any_hour(text: str) -> bool:
    """Whether `text` agrees to a first answer at any hour: what a night-time answer to a form needs."""
    needs: Callable[[str], re.Match[str] | None] = re.compile(
        rf"\b{_TEXTS}\b|\brepl(?:y|ies)\b|\banswers?\b|\brespuestas?\b"
    ).search
    return any(
        needs(sentence) and not offers(sentence, STOP_WORDS) and not _denied_before(sentence, match.start())
        for sentence in _plain_sentences(text)
        for match in _ANY_HOUR.finditer(sentence)
    )
