"""Which language a text is in: common words and letters, enough for texts of a few words. Pure."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
ENOUGH = 2  # points that a language needs, and by which nobody else may have as many


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Function words first: names of streets and cars look the same in every language.
COMMON: dict[str, frozenset[str]] = {
    "en": _words(
        "the is are it its it's i i'm im you your my we our and or but not for with this that there what whats which when "
        "where who how much does do don't dont can could would will have has had any still of to at on in from about "
        "be was were am want need know see looking available please yes they them if me open today tomorrow"
    ),
    "es": _words(
        "el la los las un una de del que qué y o en con por para mi su sus me le lo se es está esta están son soy estoy "
        "hay tiene tienen tengo quiero quisiera puedo puede pueden cuánto cuanto cuándo cuando dónde donde cómo como "
        "cuál cual hoy mañana manana sábado sabado domingo lunes martes miércoles jueves viernes casa carro coche precio "
        "todavía todavia aún aun disponible busco necesito ver usted ustedes favor sí al no están abierto"
    ),
    "fr": _words(
        "le les des du est et je vous nous une pour avec dans sur ce cette qui que quel quelle bonjour merci maison "
        "voiture encore disponible combien oui non pas suis avez voudrais est-ce"
    ),
    "pt": _words(
        "os as um uma do da dos das em não nao você voce está ainda quanto obrigado obrigada quero casa carro com para "
        "é são meu minha bom dia disponível"
    ),
    "pl": _words(
        "czy jest jeszcze dom nie tak ile kosztuje dzień dzien dobry proszę prosze mam chcę chce w na z do się sie "
        "dostępny dostepny mieszkanie dziękuję dziekuje po polsku"
    ),
    "de": _words(
        "der die das und ist ich sie nicht ein eine haus auto noch verfügbar wie viel danke bitte guten tag haben mit "
        "für wir kann"
    ),
    "it": _words("il lo gli e è un una che di per con non sono ancora casa quanto costa grazie buongiorno ciao"),
    "vi": _words("tôi bạn có không nhà xe còn bao nhiêu cảm ơn xin chào là của"),
    "tl": _words("ang ng sa po ba magkano bahay pa salamat kumusta kailan gusto ko mo hindi"),
    "ht": _words("mwen ou gen kay la konbyen mèsi bonjou eske nan yon ki disponib"),
}
# One of these is enough by itself.
STRONG: dict[str, frozenset[str]] = {
    "en": _words("hello hey thanks thank available looking what's whats"),
    "es": _words(
        "hola gracias buenos buenas quiero quisiera busco necesito cuánto cuanto cuándo dónde señor señora todavía "
        "habla hablan español espanol eres ustedes tienen mañana sábado disponible pueden llamarme llamen verla verlo "
        "abren camionetas usadas buscando tengo"
    ),
    "fr": _words("bonjour merci voudrais combien êtes-vous français"),
    "pt": _words("obrigado obrigada você voce não ainda disponível"),
    "pl": _words("czy jeszcze dziękuję dziekuje dzień proszę"),
    "de": _words("danke bitte guten verfügbar nicht"),
    "it": _words("buongiorno grazie ancora"),
    "vi": _words("không bạn cảm"),
    "tl": _words("magkano salamat kumusta"),
    "ht": _words("mwen konbyen mèsi eske"),
}
LETTERS: dict[str, str] = {"es": "ñ¿¡", "pl": "ąęłśźż", "de": "ß", "pt": "ãõ", "vi": "ơưđạảấầẩậắằặẹẻếềểệ"}
SCRIPTS = {
    "CYRILLIC": "ru",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "THAI": "th",
}


def language_of(text: str, default: str) -> str:
    """Two-letter code of the language that `text` is most clearly in; `default` when it is short, mixed or unclear."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    script = _script_of(folded)
    if script:
        return script
    words = WORD.findall(folded)
    points = {
        code: sum((word in COMMON[code]) + ENOUGH * (word in STRONG[code]) for word in words)
        + ENOUGH * any(letter in folded for letter in LETTERS.get(code, ""))
        for code in COMMON
    }
    best = max(points.values())
    leaders = [code for code, score in points.items() if score == best]
    if best < ENOUGH or (len(leaders) > 1 and default in leaders):
        return default
    return leaders[0] if len(leaders) == 1 else default


def _script_of(text: str) -> str | None:
    """The language that stands for a writing system, when most letters are of it."""
    counts: dict[str, int] = {}
    letters = [letter for letter in text if letter.isalpha()]
    for letter in letters:
        name = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
        if name in SCRIPTS:
            counts[SCRIPTS[name]] = counts.get(SCRIPTS[name], 0) + 1
    if "ja" in counts:  # Japanese mixes its own letters with Chinese ones
        counts["ja"] += counts.pop("zh", 0)
    code = max(counts, key=lambda key: counts[key], default=None)
    return code if code and counts[code] * 2 > len(letters) else None
