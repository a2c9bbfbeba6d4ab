"""What must not leave: every draft is held against facts, claims, law and form before it is sent. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from conversations.decision import Source
from conversations.facts import OPEN_STATUSES, Item, TenantFacts, Turn, named_items, plain_text
from conversations.language import language_of
from conversations.prompt import system_rules
from smsbot.masking import holds_sensitive

LENGTH_CHARS = 480  # far above two segments: such a draft is no text message
LEAKED_WORDS = 8
ALWAYS_TRUE_NUMBERS = frozenset({"911", "988"})
FREE_TEXT_KEYS = frozenset({"notes", "note", "description", "remarks", "comments"})


class Kind(StrEnum):
    FACTS = "facts"
    CLAIMS = "claims"
    PROMISES = "promises"
    FAIR_HOUSING = "fair_housing"
    CREDIT = "credit"
    SENSITIVE = "sensitive"
    IDENTITY = "identity"
    INJECTION = "injection"
    LANGUAGE = "language"
    LINKS = "links"
    LENGTH = "length"
    CONTENT = "content"


@dataclass(frozen=True)
class Objection:
    """Why a draft may not leave. `detail` names the rule or the ungrounded value, and holds nothing of the lead's."""

    kind: Kind
    detail: str


def _re(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


# Actions that a claim needs committed in the same turn.
BOOK, CANCEL, RESCHEDULE, HOLD, SEND, TASK, PAY, ESTIMATE = (
    "book",
    "cancel",
    "reschedule",
    "hold",
    "send",
    "task",
    "pay",
    "estimate",
)
NEGATED = re.compile(
    r"\b(not|nothing|isn'?t|aren'?t|hasn'?t|haven'?t|wasn'?t|never|no|nada|can'?t|cannot|yet to be)\b[^.?!]{0,24}$",
    re.IGNORECASE,
)
CLAIMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        BOOK,
        _re(
            r"\b(you'?re|you are|it'?s|that'?s|you'?ve been) (all )?(booked|confirmed|set|scheduled)\b",
            r"\b(i'?ve|we'?ve|i have|we have) (booked|scheduled|confirmed|reserved)\b|\b(booked|scheduled|confirmed) you\b",
            r"\bsee you (on |at |this )?(sat|sun|mon|tue|wed|thu|fri|tomorrow|then|there)|\bbooked\b|\bconfirmed\b",
            r"\b(appointment|showing|tour|test drive|visit) (is|has been) (scheduled|set|made)\b",
            r"\b(queda|est[aá]|he|hemos) (reservad|confirmad|agendad)|\b(reservad|confirmad|agendad)[oa]s?\b|\bnos vemos el\b",
        ),
    ),
    (CANCEL, _re(r"\b(cancell?ed|cancelad[oa]s?)\b")),
    (
        RESCHEDULE,
        _re(r"\b(rescheduled|reprogramad[oa]s?)\b|\b(i'?ve|we'?ve) moved (it|your)\b|\bmoved (it|your \w+) to\b"),
    ),
    (
        HOLD,
        _re(
            r"\b(held for you|is held|being held|on hold|reserved|set aside|apartad[oa])\b",
            r"\b(i'?m|i am|we'?re|we are) holding\b|\b(we|i)('?ll| will| can) hold (it|the|that|this)\b",
        ),
    ),
    (
        SEND,
        _re(
            r"\b(i|we)('?ve| have)?( just| already)? (sent|e-?mailed|texted|forwarded|uploaded)\b",
            r"\b(it|they|link|e-?mail|details|photos?) (was|were|has been|have been) sent\b|\b(le|te) (envi[eé]|mand[eé])\b",
            r"\b(te lo|se lo) (envi[eé]|mand[eé])\b",
        ),
    ),
    (
        TASK,
        _re(
            r"\b(i|we)('?ve| have)?( just| already)? (asked|told|called|notified|alerted|scheduled a call)\b(?! (me|us)\b)",
            r"\b(we|i)('?ve| have)? (deleted|removed|erased) (it|that|this|your|from)\b|\bremoved (it |this |that )?from our (records|system)\b",
        ),
    ),
    (
        PAY,
        _re(
            r"\b(deposit|payment|dep[oó]sito|pago) (is |was |has been |fue )?(taken|received|processed|made|recibido|procesado)\b"
        ),
    ),
)
ACT = (
    r"(call|ring|phone|e-?mail|text|message|send|ask|check|contact|reach out|reach you|get back|follow up|follow-up|let you know|find out|"
    r"forward|schedule|arrange|be in touch|respond|reply|answer you|confirm|update you|have \w+ (call|text|e-?mail|reach))"
)
PROMISE = _re(
    rf"\b(will|'ll|going to|gonna|shall)(?! not\b)(?! you\b) (\w+ ){{0,2}}{ACT}\b(?![^.!]*\?)",
    rf"\b(dana|team|agent|someone|somebody|manager|he|she|they|i|we)'ll (\w+ ){{0,2}}{ACT}\b",
    r"\b(le|te|lo|la|les) (llamar|enviar|escribir|avisar|contactar|mandar|confirmar|responder)(é|e|á|a|emos|án|an)\b",
    r"\b(llamaremos|enviaremos|avisaremos|contactaremos|averiguar(é|emos)|preguntar(é|emos)|verificar(é|emos))\b|\bva(n|mos)? a (llamar|enviar|escribir|contactar)",
)
NOW_PROMISE = _re(
    r"\b(right now|right away|immediately|in a (few )?minutes?|within minutes|any moment|within the hour|momentarily)\b",
    r"\b(ahora mismo|enseguida|de inmediato|inmediatamente|en unos minutos)\b",
)
PRICE_COMMITMENT = _re(
    r"\b(we'?ll|we will|we can|i can|i'?ll) (match|beat|sell it|do (it|that)|give you)\b",
    r"\b(agreed|you have a deal|it'?s a deal|done deal|deal!)|\$1(?![\d,.])|\b(podemos|puedo) (igualar|dejarl[oa] en)\b|\btrato hecho\b",
)
PREDICTION = _re(
    r"\b(they would|they'?d (take|accept|consider)|probably|might (take|accept)|won'?t (take|accept)|seller (will|would|is (likely|willing)))\b",
    r"\b(probablemente|seguramente)\b|\bel (vendedor|dueño) (aceptar[ií]a|va a aceptar)",
)
PRESSURE = _re(
    r"\b(hurry|act (now|fast)|last chance|won'?t last|don'?t miss|only \d+ left|before it'?s gone|asap|selling fast|going fast|"
    r"limited time|today only|once in a lifetime)\b",
    r"\b(apúrese|apurese|ap[uú]rate|[uú]ltima oportunidad|no se lo pierda|no durar[aá])\b",
)
TRAIT = (
    r"(famil\w*|kids?|children|christians?|muslims?|jew\w*|hindus?|catholics?|indians?|mexicans?|asians?|hispanics?|latinos?|singles|seniors"
    r"|retirees|professionals|couples|immigrants|whites?|blacks?|familias|niños|latinas?|cristian\w+|jubilad\w+)"
)
STEERING = _re(
    rf"\b(great|good|perfect|ideal|right|wrong|popular|suited|nice|wonderful|excellent|best)\b[^.?!]{{0,20}}\b(for|with|among|place for)\b[^.?!]{{0,25}}\b{TRAIT}\b",
    rf"\b(mostly|mainly|predominantly|lots of|many|few|full of|plenty of|hardly any)\s+(\w+\s+)?{TRAIT}\b",
    r"\b(nice|good|bad|rough|exclusive|desirable|safe|unsafe|quiet|friendly|up[- ]and[- ]coming) (area|neighbou?rhood|part of town|street|block|community)\b",
    r"\b(low|high|little|no) crime\b|\b(area|neighbou?rhood|street|it|there)('s| is) (very |really |pretty |quite )?(safe|unsafe|dangerous)\b",
    r"\bfamily[- ]friendly\b|\bwalking distance\b|\b(diverse|tight-knit|upscale|working[- ]class) (area|community|neighbou?rhood)\b",
    r"\b(great|good|excellent|top|best|bad|poor|highly)([- ]rated)? schools?\b|\bschools?[^.?!]{0,20}\b(are|is) (really |very |pretty )?(good|great|excellent|bad|top|highly)\b",
    r"\b(don'?t|do not|won'?t|doesn'?t|does not|can'?t|no) (take|accept)? ?(section 8|vouchers?)\b|\bno (kids|children) allowed\b|\badults only\b",
    r"\b(buena?|excelente|ideal|perfect[oa]|mal[oa]|segur[oa]|tranquil[oa]) (zona|barrio|vecindario|colonia)\b|\b(zona|barrio|vecindario) (muy )?(segur[oa]|tranquil[oa]|peligros[oa])\b",
    rf"\b(ideal|perfect[oa]|buen[oa]?|excelente)\b[^.?!]{{0,20}}\bpara\b[^.?!]{{0,15}}\b{TRAIT}\b|\bpoca delincuencia\b|\bbuenas escuelas\b",
)
CREDIT_DECISION = _re(
    r"(?<!whether )(?<!if )\byou('re| are|'ll be| will be| would be|'d be) (likely |probably |pre-?)?(approved|denied|declined|eligible|qualified)\b",
    r"\b(you|they) (should|will|would|won'?t|can|can'?t|may not) (likely |probably |easily )?(qualify|get approved|be approved)\b",
    r"\b(un)?likely\b|\bguarantee",
    r"\b(ser[aá]|est[aá]|queda) (pre-?)?(aprobad|calificad|rechazad)[oa]\b|\b(usted|s[ií]|no) califica\b|\bgarantiza",
)
DISCOURAGEMENT = _re(
    r"\b(doesn'?t|does not|won'?t) (count|qualify)\b|\bnot eligible\b|\bcitizens only\b|\bonly citizens\b|\bmust be a citizen\b",
    r"\btoo (low|bad)\b|\b(improve|fix|repair|rebuild) your (credit|score)\b|\bdon'?t (bother|apply)\b|\bsolo ciudadanos\b|\bmejore su cr[eé]dito\b",
)
# "Unfortunately" is discouraging where somebody asks for credit or a home, and only polite elsewhere.
COLD_WORDS = _re(r"\bunfortunately\b|\bwait until\b|\blamentablemente\b|\bdesafortunadamente\b")
CREDIT_TALK = _re(
    r"\b(credit|financ\w*|loan|lender|approv\w*|qualif\w*|income|score|mortgage|voucher|section 8|citizen\w*|eligib\w*|disabilit\w*|ssi"
    r"|cr[eé]dito|pr[eé]stamo|hipoteca|ingresos)\b"
)
RATE = _re(r"\d(\.\d+)?\s?(%|percent\b|por ciento\b)")
MONTHLY = _re(
    r"\$\s?\d[\d,.]*\s?(\/|per\b|a\b|each\b)\s?mo|\b\d{2,4}\s?(\/\s?mo|(a|per) month)|\b\d[\d,.]*\s?(al|por) mes\b|\b(monthly payment|mensualidad) (of|de|is)\b"
)
DENIES_AI = _re(
    r"\bno,? i'?m (a )?(real|human)|\b(yes|yep|of course|sure),? (i'?m|i am|it'?s) (a )?(real|human)\b",
    r"\bi'?m (a )?(real person|human being|human)\b|\bi am (a )?(real person|human)\b|\bnot (a|an) (bot|ai|robot|machine|automated)\b",
    r"\bas a (human|real person)\b|\bsoy (una persona|human[oa]|real)\b|\bno soy (un )?(bot|robot|una m[aá]quina|ia|autom\w+)\b",
)
PROMPT_TALK = _re(
    r"\b(system prompt|my (system )?instructions (are|say|:)|you are an? (ai|assistant|sms|helpful)|admin mode (is )?(on|enabled|activated))",
    r"\b(find_slots|request_callback|find_listing|note_field|hand_off|estimate_payment|field_notes|facts_used|handoff_reason)\b",
    r"<<<|>>>",
)
PRIVATE_NUMBER = (
    r"(ssn|social security( number)?|(credit|debit) cards?( numbers?)?|card numbers?|cvv|security code|routing number|bank account|account number|"
    r"licen[cs]e number|date of birth|passport( number)?|password|seguro social|n[uú]mero de (tarjeta|cuenta))"
)
SECRET_ASKED = _re(
    rf"\b(send|text|give|share|provide|reply with|enter|type|tell|e-?mail|confirm|verify|need|want|what('?s| is)|have)\b[^.?!]{{0,40}}\b{PRIVATE_NUMBER}\b",
    rf"\b{PRIVATE_NUMBER}\b[^.?!]{{0,20}}\b(please|needed|required|here)\b",
    rf"\b(env[ií]e|mande|d[eé](me|nos)|comparta|escriba|necesito|necesitamos|cu[aá]l es)\b[^.?!]{{0,40}}\b{PRIVATE_NUMBER}\b",
)
SECRET_REFUSED = _re(r"\b(don'?t|do not|never|please no|not|no|nunca|avoid)\b[^.?!]{0,60}$")
# CTIA Messaging Principles 5.3: sex, hate, alcohol, firearms, tobacco; and what carriers filter like them.
SHAFT = _re(
    r"\b(sex|sexy|sexual|porn\w*|nudes?|escorts?|hookups?|nazi|white power|kill (all|them)|beer|vodka|whiske?y|tequila|liquor|rum|cocktails?|"
    r"guns?|rifles?|pistols?|ammo|ammunition|firearms?|silencers?|cigarettes?|cigars?|tobacco|vap(e|es|ing)|nicotine|cannabis|marijuana|weed|cbd|"
    r"thc|casino|gambling|betting|cerveza|armas?|pistolas?|tabaco|cigarrillos?|marihuana)\b",
    r"\b(fuck\w*|shit\w*|bitch\w*|asshole|bastard|damn|idiot|stupid|moron)\b",
)
NOT_A_TEXT = re.compile(r"[{}]|\*\*|```|^#+ |^\s*(?:[-*]|\d+[.)])\s+\S.*\n+\s*(?:[-*]|\d+[.)])\s", re.MULTILINE)
TLDS = (
    "com|net|org|io|co|us|info|biz|app|dev|ai|me|ly|gl|gd|to|link|xyz|site|online|shop|homes|house|auto|cars|realty|example|test|page|store|"
    "mx|ca|uk|ru|cn|tv|cc|ws|be"
)
LINK = re.compile(
    rf"https?://[^\s]+|\bwww\.[^\s]+|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:{TLDS})\b(?:/[^\s]*)?", re.IGNORECASE
)
ADDRESS_OF_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
SHORTENERS = frozenset(
    {
        *("bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "rb.gy"),
        *("t.ly", "shorturl.at", "tiny.cc", "lnkd.in"),
    }
)
PHONE = re.compile(r"(?<![\d$.,])\+?\(?\d(?:[\s().-]{0,2}\d){6,14}(?!\d)")
CLOCK = re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\b\.?|\b([01]?\d|2[0-3]):([0-5]\d)\b", re.IGNORECASE)
MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
    "ene": 1,
    "abr": 4,
    "ago": 8,
    "dic": 12,
}
DATE = re.compile(
    r"\b(?P<m1>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?P<d1>\d{1,2})(?:st|nd|rd|th)?\b"
    r"(?! (?:de )?(?:ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic))"  # "martes 24 nov" is a Tuesday
    r"|\b(?P<d2>\d{1,2})(?:st|nd|rd|th)? (?:of |de )?(?P<m2>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*\b"
    r"|\b(?P<m3>\d{1,2})/(?P<d3>\d{1,2})(?:/\d{2,4})?\b",
    re.IGNORECASE,
)
WEEKDAYS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bmon(days?)?\b|\blun(es)?\b",
        r"\btue(s|sdays?)?\b|\bmar(tes)?\b(?! \d)",
        r"\bwed(nesdays?)?\b|\bmi[eé](rcoles)?\b",
        r"\bthu(rs|rsdays?)?\b|\bjue(ves)?\b",
        r"\bfri(days?)?\b|\bvie(rnes)?\b",
        r"\bsat(urdays?)?\b|\bs[aá]b(ados?)?\b",
        r"\bsun(days?)?\b|\bdom(ingos?)?\b",
    )
)
NUMBER = re.compile(r"(?<![\w.])\$?\s?(\d+(?:,\d{3})*(?:\.\d+)?)\s?(k|m|mil|thousand|million)?\b", re.IGNORECASE)
NUMBER_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "dos": 2,
    "tres": 3,
    "cuatro": 4,
    "cinco": 5,
    "seis": 6,
    "siete": 7,
    "ocho": 8,
    "nueve": 9,
    "diez": 10,
}
COUNTED = r"(?:bed|bath|bedroom|bathroom|car|door|year|month|week|day|hour|minute|mile|acre|stor(?:y|ies)|floor|unit|offer|seat|owner|rec[aá]mara|baño|año|mes)"
WORD_COUNT = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})[\s-]+{COUNTED}", re.IGNORECASE)
UNITS: dict[str, re.Pattern[str]] = {
    "beds": re.compile(r"(?<![\w,.])(\d+)[\s-]*(?:bed|br\b|rec[aá]mara|habitacion)", re.IGNORECASE),
    "baths": re.compile(r"(?<![\w,.])(\d+)[\s-]*(?:bath|ba\b|baño)", re.IGNORECASE),
    "sqft": re.compile(r"(?<![\w,.])([\d,]+)[\s-]*(?:sq|pies cuadrados)", re.IGNORECASE),
    "miles": re.compile(r"(?<![\w,.])([\d,]+)[\s-]*(?:miles|mi\b|millas)", re.IGNORECASE),
}
STREET = re.compile(
    r"\b(\d{1,6}) (?:[NSEW]\.? )?([A-Z][a-z]+)(?: [A-Z][a-z]+)* (?:St|Street|Ave|Avenue|Blvd|Rd|Road|Dr|Drive|Ln|Lane|Ct|Court|Way|Pl|Place|Pkwy)\b"
)
PERSON = re.compile(
    r"(?<![\w-])([A-Z][a-zñéáíóú]+)(?: [A-Z][a-zñéáíóú]+)?(?:'ll| can| will| could| is happy to| is going to| handles| puede| va a)"
    r"(?: \w+){0,2} (?:call|help|show|meet|text|talk|answer|share|go through|set|explain|reach|confirm|check|take|offers?|mostrar\w*|llamar\w*|ayudar\w*|hablar\w*)\b"
)
NO_NAMES = frozenset(
    {
        *(
            "I",
            "We",
            "You",
            "They",
            "It",
            "He",
            "She",
            "That",
            "This",
            "Someone",
            "Somebody",
            "Everyone",
            "Anyone",
            "Who",
        ),
        *(
            "What",
            "Which",
            "There",
            "Agents",
            "Nobody",
            "One",
            "People",
            "Team",
            "Manager",
            "Staff",
            "Alguien",
            "Usted",
            "Ella",
        ),
    }
)
STATUS_CLASS: dict[str, re.Pattern[str]] = {
    "open": _re(r"\b(available|active|in stock|for sale|on the market|disponible|a la venta|en venta)\b"),
    "held": _re(r"\b(pending|contingent|under contract|pendiente|con contrato)\b"),
    "sold": _re(r"\b(sold|vendid[oa]|se vendi[oó])\b"),
}
DENIED_STATUS = re.compile(
    r"\b(not|no|no longer|isn'?t|aren'?t|wasn'?t|if|whether|si|ya no|off|don'?t have|similar|other|another|otr[oa]s?)\b[^.?!]{0,30}$",
    re.IGNORECASE,
)
OPENING = _re(r"\b(open|opens|closed|closes|abre|abrimos|abiert[oa]|cerrad[oa])\b")
OPEN_CLAIM = _re(r"\b(open|opens|abrimos|abre|abiert[oa])\b(?! house)")
CLOSED_CLAIM = _re(r"\b(closed|close on|not open|cerrad[oa]|no abrimos)\b")
SENTENCE = re.compile(r"[^.?!\n]+(?:\.(?=\d)[^.?!\n]*)*[.?!]?")


def objection_to(
    draft: str,
    *,
    facts: TenantFacts,
    turns: Sequence[Turn],
    language: str,
    decision_source: Source,
    allowed_phones: Collection[str],
    allowed_links: Collection[str],
    committed_actions: frozenset[str] = frozenset(),
    now: datetime | None = None,
) -> Objection | None:
    """The first reason why `draft` may not leave, or None.

    `committed_actions` are those of this turn (book, cancel, reschedule, hold, send, task, pay, estimate);
    `allowed_links` hosts or addresses; `now` lets dates be checked against the calendar and facts against their age.
    Facts of the tenant are allowed wherever they come from; what the lead wrote is not a fact.
    """
    text = _straight(draft)
    if not text.strip():
        return Objection(Kind.CONTENT, "empty")
    last_words = "\n".join(turn.body for turn in turns[-3:] if turn.author == "lead")
    checks: tuple[Callable[[], Objection | None], ...] = (
        lambda: _injection(text, facts, language, decision_source),
        lambda: _identity(text, facts),
        lambda: _sensitive(text),
        lambda: _claims(text, committed_actions),
        lambda: _fair_housing(text, facts),
        lambda: _credit(text, last_words, facts, committed_actions),
        lambda: _promises(text, committed_actions),
        lambda: _tone(text),
        lambda: _links(text, facts, allowed_links),
        lambda: _phones(text, facts, allowed_phones),
        lambda: _ungrounded(text, facts, now),
        lambda: _language(text, facts, language),
        lambda: _content(text, facts),
    )
    return next((objection for check in checks if (objection := check())), None)


def _injection(text: str, facts: TenantFacts, language: str, source: Source) -> Objection | None:
    if PROMPT_TALK.search(text):
        return Objection(Kind.INJECTION, "talks about its instructions")
    if source is not Source.MODEL:
        return None  # nobody else has read the rules
    rules = _runs_of_words(system_rules(facts.brand, language))
    return Objection(Kind.INJECTION, "repeats its instructions") if rules & _runs_of_words(text) else None


def _runs_of_words(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return {tuple(words[at : at + LEAKED_WORDS]) for at in range(len(words) - LEAKED_WORDS + 1)}


def _identity(text: str, facts: TenantFacts) -> Objection | None:
    if DENIES_AI.search(text):
        return Objection(Kind.IDENTITY, "denies being automated")
    names = "|".join(re.escape(name.split()[0]) for name in (*facts.staff, facts.assigned) if name.strip())
    if names and re.search(rf"\b(this is|i'?m|i am|my name is|soy|me llamo|habla) ({names})\b", text, re.IGNORECASE):
        return Objection(Kind.IDENTITY, "speaks as a named person")
    return None


def _sensitive(text: str) -> Objection | None:
    if holds_sensitive(text):
        return Objection(Kind.SENSITIVE, "holds a social security or card number")
    for match in SECRET_ASKED.finditer(text):
        if not SECRET_REFUSED.search(text[: match.start()]) and not SECRET_REFUSED.search(match.group()):
            return Objection(Kind.SENSITIVE, "asks for a sensitive number")
    return None


def _claims(text: str, committed: frozenset[str]) -> Objection | None:
    for action, pattern in CLAIMS:
        if action in committed:
            continue
        for match in pattern.finditer(text):
            if not NEGATED.search(text[: match.start()]):
                return Objection(Kind.CLAIMS, f"claims {action} without its row")
    return None


def _fair_housing(text: str, facts: TenantFacts) -> Objection | None:
    if facts.vertical != "auto" and STEERING.search(text):
        return Objection(Kind.FAIR_HOUSING, "describes an area, its people or who may live there")
    return None


def _credit(text: str, last_words: str, facts: TenantFacts, committed: frozenset[str]) -> Objection | None:
    if CREDIT_DECISION.search(text):
        return Objection(Kind.CREDIT, "decides or predicts credit")
    if DISCOURAGEMENT.search(text) or (COLD_WORDS.search(text) and CREDIT_TALK.search(f"{text}\n{last_words}")):
        return Objection(Kind.CREDIT, "discourages")
    if ESTIMATE in committed:
        return None
    answers = " ".join(entry.answer for entry in facts.answers)
    fees = {
        value
        for item in facts.items
        for key, value in item.details.items()
        if isinstance(value, int) and key.endswith("_month")
    }
    if any(match.group() not in answers for match in RATE.finditer(text)):
        return Objection(Kind.CREDIT, "quotes a rate")
    for match in MONTHLY.finditer(text):
        if not _numbers(match.group()) & {float(fee) for fee in fees} and match.group() not in answers:
            return Objection(Kind.CREDIT, "quotes a monthly payment")
    return None


def _promises(text: str, committed: frozenset[str]) -> Objection | None:
    if PRICE_COMMITMENT.search(text):
        return Objection(Kind.PROMISES, "agrees on a price")
    for sentence in SENTENCE.findall(text):
        if NOW_PROMISE.search(sentence) and not ALWAYS_TRUE_NUMBERS & set(re.findall(r"\d+", text)):
            return Objection(Kind.PROMISES, "promises a time that nobody owns")
        if TASK not in committed and PROMISE.search(sentence):
            return Objection(Kind.PROMISES, "promises something without a task")
    return None


def _links(text: str, facts: TenantFacts, allowed_links: Collection[str]) -> Objection | None:
    hosts = {_host(link) for link in (*allowed_links, facts.secure_url) if link}
    mails = {match.casefold() for match in ADDRESS_OF_MAIL.findall(text)}
    if mails - {facts.email.casefold()}:
        return Objection(Kind.LINKS, "names an e-mail address that is not the tenant's")
    for match in LINK.finditer(ADDRESS_OF_MAIL.sub(" ", text)):
        host = _host(match.group().rstrip(".,;:!?)"))
        if host in SHORTENERS or not any(host == own or host.endswith(f".{own}") for own in hosts):
            return Objection(Kind.LINKS, "links to a host that is not the tenant's")
    return None


def _host(link: str) -> str:
    """The host of an address with or without a scheme; no user part can pose as it."""
    return (urlsplit(link if "://" in link else f"//{link}").hostname or "").casefold().removeprefix("www.")


def _phones(text: str, facts: TenantFacts, allowed_phones: Collection[str]) -> Objection | None:
    own = {_digits(phone)[-10:] for phone in (*allowed_phones, facts.phone) if phone}
    refs = {_digits(item.ref) for item in facts.items}
    for match in PHONE.finditer(LINK.sub(" ", text)):
        digits = _digits(match.group())
        if digits[-10:] not in own and digits not in refs and digits not in {phone[-7:] for phone in own}:
            return Objection(Kind.FACTS, "names a phone number that is not the tenant's")
    return None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


@dataclass(frozen=True)
class _Grounds:
    """What the facts hold, in the forms that drafts are searched for."""

    text: str
    numbers: frozenset[float]
    times: frozenset[time]
    moments: tuple[datetime, ...]
    dates: frozenset[date]


def _ungrounded(text: str, facts: TenantFacts, now: datetime | None) -> Objection | None:
    # Sentence by sentence, and by the whole name: of two items in one text the likelier would hide the other.
    in_sentences = [named_items(facts.items, plain_text(sentence)) for sentence in SENTENCE.findall(text)]
    named = [item for item in facts.items if item.name in text or any(item in found for found in in_sentences)]
    grounds = _grounds(facts, named or facts.items, now)
    bare = PHONE.sub(" ", LINK.sub(" ", ADDRESS_OF_MAIL.sub(" ", text)))
    for sentence in SENTENCE.findall(bare):
        wrong = (
            _wrong_time(sentence, facts, grounds)
            or _wrong_date(sentence, grounds, facts, now)
            or _wrong_opening(sentence, facts)
            or _wrong_status(sentence, facts, named, now)
        )
        if wrong:
            return Objection(Kind.FACTS, wrong)
    return _wrong_number(bare, named, grounds) or _wrong_name(bare, grounds)


def _grounds(facts: TenantFacts, items: Sequence[Item], now: datetime | None) -> _Grounds:
    known = [facts.brand, facts.address, facts.city, facts.secure_url, facts.assigned, *facts.staff]
    known += [entry.answer for entry in facts.answers]
    known += [part for item in facts.items for part in (item.ref, item.title)]
    moments = [slot.astimezone(facts.tz) for slot in facts.slots]
    for item in items:
        if now is not None and facts.is_stale(item, now):
            continue
        known.append(f"{item.price or ''}")
        for key, value in item.details.items():
            if key in FREE_TEXT_KEYS:
                continue  # prose of strangers: a number in it is no fact
            at = _instant(value)
            moments += [at.astimezone(facts.tz)] if at else []
            known.append(str(value))
    told = "\n".join(part for part in known if part)
    times = {edge for _, opens, closes in facts.hours for edge in (opens, closes)}
    times |= {at.time() for at in moments} | set(_clock_times(told))
    dates = {at.date() for at in moments}
    dates |= {at.astimezone(facts.tz).date() for item in items if (at := facts.age_known_of(item))}
    if now is not None:
        dates |= set(_dates(told, now.astimezone(facts.tz).year))
    return _Grounds(told, frozenset(_numbers(told)), frozenset(times), tuple(moments), frozenset(dates))


def _wrong_time(sentence: str, facts: TenantFacts, grounds: _Grounds) -> str | None:
    said = set(_clock_times(sentence))
    days = _weekdays(sentence)
    allowed = set(grounds.times)
    if len(days) == 1:
        day = next(iter(days))
        own = {edge for period in facts.hours_on(day) for edge in period}
        own |= {at.time() for at in grounds.moments if at.weekday() == day}
        allowed = own | set(_clock_times(grounds.text))
    return "a time that the facts do not hold" if said - allowed else None


def _wrong_date(sentence: str, grounds: _Grounds, facts: TenantFacts, now: datetime | None) -> str | None:
    said = {(month, day) for month, day in _month_days(sentence)}
    known = set(grounds.dates)
    if now is not None and OPENING.search(sentence):
        today = now.astimezone(facts.tz).date()
        known |= {today + timedelta(days=ahead) for ahead in range(8)}
    if said - {(at.month, at.day) for at in known}:
        return "a date that the facts do not hold"
    days = _weekdays(sentence)
    if len(said) == 1 and len(days) == 1:
        month_day = next(iter(said))
        if not any(at.weekday() in days for at in known if (at.month, at.day) == month_day):
            return "a weekday that is not that date's"
    return None


def _wrong_opening(sentence: str, facts: TenantFacts) -> str | None:
    if not facts.hours or not OPEN_CLAIM.search(sentence) or CLOSED_CLAIM.search(sentence):
        return None
    days = _weekdays(sentence)
    if len(days) == 1 and not facts.hours_on(next(iter(days))):
        return "says open on a closed day"
    return None


def _wrong_status(sentence: str, facts: TenantFacts, named: Sequence[Item], now: datetime | None) -> str | None:
    if sentence.rstrip().endswith("?"):
        return None
    here = named_items(facts.items, plain_text(sentence)) or (list(named) if len(named) == 1 else [])
    for status, pattern in STATUS_CLASS.items():
        for match in pattern.finditer(sentence):
            if not here or DENIED_STATUS.search(sentence[: match.start()]):
                continue
            if all(_class_of(item) != status for item in here):
                return "a status that is not the item's"
            if now is not None and status != "sold" and all(facts.is_stale(item, now) for item in here):
                return "a status that may be out of date"
    return None


def _class_of(item: Item) -> str:
    status = item.status.casefold()
    if status in OPEN_STATUSES:
        return "open"
    return "sold" if STATUS_CLASS["sold"].search(status) else "held"


def _wrong_number(text: str, named: Sequence[Item], grounds: _Grounds) -> Objection | None:
    bare = DATE.sub(" ", CLOCK.sub(" ", text))
    unknown = {number for number in _numbers(bare) if number not in grounds.numbers}
    if unknown - {float(number) for number in ALWAYS_TRUE_NUMBERS}:
        return Objection(Kind.FACTS, "a number that the facts do not hold")
    words = {float(NUMBER_WORDS[match[1].casefold()]) for match in WORD_COUNT.finditer(bare)}
    if words - grounds.numbers:
        return Objection(Kind.FACTS, "a number in words that the facts do not hold")
    if len(named) == 1:
        for key, pattern in UNITS.items():
            if any(_wrong_amount(match[1], named[0], key) for match in pattern.finditer(bare)):
                return Objection(Kind.FACTS, f"another number of {key} than the item's")
    return None


def _wrong_amount(said: str, item: Item, key: str) -> bool:
    value = item.details.get(key)
    return isinstance(value, int) and _numbers(said) != {float(value)}


def _wrong_name(text: str, grounds: _Grounds) -> Objection | None:
    known = grounds.text.casefold()
    for number, street in STREET.findall(text):
        if not re.search(rf"\b{number}\b\W+(?:[nsew]\.? )?{re.escape(street.casefold())}\b", known):
            return Objection(Kind.FACTS, "an address that the facts do not hold")
    for match in PERSON.finditer(text):
        if match[1] not in NO_NAMES and match[1].casefold() not in known:
            return Objection(Kind.FACTS, "a name that the facts do not hold")
    return None


def _language(text: str, facts: TenantFacts, language: str) -> Objection | None:
    bare = LINK.sub(" ", ADDRESS_OF_MAIL.sub(" ", text))
    for name in (
        facts.brand,
        facts.address,
        facts.city,
        facts.assigned,
        *facts.staff,
        *(item.title for item in facts.items),
    ):
        for part in {name, name.split(",")[0]} - {""}:
            bare = bare.replace(part, " ")
    found = language_of(bare, language)
    return Objection(Kind.LANGUAGE, f"is in {found}, not {language}") if found != language else None


def _tone(text: str) -> Objection | None:
    if PREDICTION.search(text):
        return Objection(Kind.CONTENT, "predicts what others do")
    return Objection(Kind.CONTENT, "puts pressure on") if PRESSURE.search(text) else None


def _content(text: str, facts: TenantFacts) -> Objection | None:
    known = " ".join((facts.brand, facts.address, *(item.title for item in facts.items))).casefold()
    if any(match.group().casefold() not in known for match in SHAFT.finditer(text)):
        return Objection(Kind.CONTENT, "a word that carriers forbid")
    if NOT_A_TEXT.search(text):
        return Objection(Kind.CONTENT, "is no plain text")
    if len(re.findall(r"\?+", text)) > 1:
        return Objection(Kind.CONTENT, "more than one question")
    if len(text) > LENGTH_CHARS:
        return Objection(Kind.LENGTH, f"over {LENGTH_CHARS} characters")
    return None


def _numbers(text: str) -> set[float]:
    """Every number in `text`, 489k and $489,000 alike as 489000.0."""
    return set(_each_number(text))


def _each_number(text: str) -> Iterator[float]:
    for match in NUMBER.finditer(text):
        factor = {"k": 1e3, "mil": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}.get((match[2] or "").casefold(), 1)
        yield round(float(match[1].replace(",", "")) * factor, 4)


def _clock_times(text: str) -> Iterator[time]:
    for match in CLOCK.finditer(text):
        hour, minute, half = match[1] or match[4], match[2] or match[5] or "0", (match[3] or "").casefold()
        if int(minute) > 59 or int(hour) > (12 if half else 23):
            continue
        yield time(int(hour) % 12 + 12 * (half == "p") if half else int(hour), int(minute))


def _month_days(text: str) -> Iterator[tuple[int, int]]:
    for match in DATE.finditer(text):
        month = match["m1"] or match["m2"] or match["m3"]
        day = match["d1"] or match["d2"] or match["d3"]
        yield int(month) if month.isdigit() else MONTHS[month[:3].casefold()], int(day)


def _dates(text: str, year: int) -> Iterator[date]:
    for month, day in _month_days(text):
        try:
            yield date(year, month, day)
        except ValueError:
            continue


def _weekdays(text: str) -> set[int]:
    return {weekday for weekday, pattern in enumerate(WEEKDAYS) if pattern.search(text)}


def _instant(value: str | int) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _straight(text: str) -> str:
    """Straight quotes, plain dashes and spaces: the form that is sent."""
    folded = unicodedata.normalize("NFKC", text)
    for typographic, plain in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", "-"), ("—", "-")):
        folded = folded.replace(typographic, plain)
    return re.sub(r"[ \t]+", " ", folded)
