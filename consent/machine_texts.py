"""Texts no person typed: reactions of phones, answers of other programs, one-time codes. Pure."""

import re
from enum import StrEnum

from consent.normalise import MAX_CHARS, folded, without_accents
from consent.screen import Screen


class MachineText(StrEnum):
    REACTION = "reaction"
    AUTO_REPLY = "auto_reply"
    OTP = "otp"


_QUOTE = '["“”„«»‹›「『‟]'
_PICTURE = (
    r"(?:(?:an?|the|your|una?|une|eine?n?|um|uma|un) ?)?(?:\d+ )?(?:image|photo|picture|video|"
    r"movie|attachment|audio message|audio|voice message|link|message|sticker|gif|file|location|"
    r"contact|imagen|foto"
    r"|mensaje|video|archivo|photo|message|piece jointe|imagem|mensagem|bild|nachricht|immagine|messaggio)s?[ .!]*$"
)
_VERB = "|".join(
    (
        # Apple and Google, English, with their removals
        r"liked",
        r"loved",
        r"disliked",
        r"laughed at",
        r"emphasi[sz]ed",
        r"questioned",
        r"reacted(?: with)? .{1,12}? to",
        r"reacted to",
        r"removed (?:an? |the |their |his |her )?(?:like|love|heart|dislike|laugh|emphasis|exclamation|"
        r"question mark|question|reaction|thumbs ?(?:up|down)|.{1,6}?)(?: reaction)? from",
        # Spanish
        r"(?:a \w+ )?(?:no )?(?:le|te|me) (?:gusto|gusta|encanto|encanta|dio risa|da risa|hizo gracia|"
        r"disgusto)",
        r"se (?:rio|rie) (?:de|con)",
        r"(?:enfatizo|destaco|exclamo|pregunto|cuestiono|marco)(?: con)?",
        r"reacciono(?: con)? .{1,12}? a",
        r"(?:elimino|quito) (?:un|una|el|la|su) .{1,24}? (?:de|a|en)",
        # French
        r"(?:\w+ )?(?:a|n'a pas) (?:aime|adore|ri (?:de|a)|rigole a|mis en (?:evidence|avant)|souligne|"
        r"insiste sur|interroge|questionne|reagi .{1,16}? a|supprime un .{1,20}? de|retire .{1,20}? "
        r"(?:de|a))",
        # German, Portuguese, Italian, Dutch
        r"gefallt(?: nicht)?",
        r"hat",
        r"liebt",
        r"lacht uber",
        r"betont",
        r"hinterfragt",
        r"reagierte(?: mit)? .{1,12}? auf",
        r"(?:nao )?(?:gostou de|curtiu|amou|riu de|enfatizou|questionou|adorou)",
        r"reagiu com .{1,12}? a",
        r"(?:non )?(?:ha messo .{1,20}? a|e piaciuto|piace|ha adorato|ha amato|ha riso (?:a|per|di)|ha "
        r"enfatizzato|ha reagito .{1,16}? a)",
        # Chinese, Japanese, Korean, Russian
        r"(?:.{0,6}?)(?:赞了|喜欢了?|爱了|不喜欢|踩了|觉得|强调了|对|讚了|喜歡|回应了|大笑了?)",
        r".{0,4}?(?:좋아함|좋아요)",
        r"(?:понравилось|нравится|не нравится|не понравилось|рассмешило|выделяет|отреагировал[аи]? "
        r".{1,12}? на|.{1,4}? на)",
    )
)
_REACTION = re.compile(rf"^\W*(?:{_VERB}):?\s*(?:{_QUOTE}|{_PICTURE})")
_REACTED_TO_MESSAGE = re.compile(r"^\W*reacted .{1,16}? to (?:your|the|this|an?) ")
_EMOJI_TO = re.compile(rf"^[^\w\"“«]{{1,12}}\s*(?:to|a|à|an|на|からの?|へ|在|em)\s*{_QUOTE}")
_QUOTE_REACTED = re.compile(
    r"^\W{0,3}[“„«「\"].{1,2000}[”“»」\"]\s*(?:gefallt|geliked|liked|mit .{1,16} markiert|にいいね|に対して|에 "
    r"좋아요|geliebt|hat .{0,12} gefallen).{0,24}$",
    re.DOTALL,
)

_WORDS_OF_INSTRUCTION = (
    r"(?:stop|help|end|quit|cancel|unsubscribe|start|join|info|alto|baja|ayuda|arret|aide|sair|"
    r"yes)"
)
_INSTRUCTION = re.compile(
    rf"(?:repl(?:y|ying)|text|txt|send|respond(?:a|e|er)?|envi[ae]r?|responde?r?|repondez|envoyez|"
    rf"antworten sie|rispondi|responda|write) (?:back )?(?:with |con |par |avec |mit )?(?:the word "
    rf"|la palabra |le mot )?"
    rf"[\"'“‘«]?\s?{_WORDS_OF_INSTRUCTION}\s?[\"'”’»]?(?: \w+){{0,2}}? ?(?:to|for|at any time|"
    rf"anytime|2|para|pour|zum|fur|per) "
    r"(?:opt|unsub|cancel|end|quit|stop|help|info|more|assist|discontinue|leave|re ?subscribe|"
    r"subscribe|resume|receive|be removed|no|dejar|darse|salir|desuscrib|obtener|mas|ayuda|vous|ne "
    r"plus|arreter|se desabonner|abmelden)"
)
_STOP_TO_END = re.compile(
    r"(?:^|[.!,;] ?)(?:txt |text )?[\"'“]?stop[\"'”]?(?: ?2| ?=| to| for) ?(?:end|quit|opt ?out|"
    r"cancel|unsub(?:scribe)?|stop)\b"
)
_RATES = re.compile(
    r"\b(?:msg|message|standard message)s?(?:(?: ?&| and|/) ?data)? rates? (?:may )?apply|\bmsg "
    r"?freq|\bmsg&data|pueden aplicarse tarifas|des frais .{0,30}peuvent s'appliquer"
)
_PERSONAL = re.compile(
    r"\b(?:do i|can i|should i|if i|when i|i (?:already |just |have )*(?:replied|texted|sent|said|"
    r"reply|text|typed)|it says|you say|says|told to|how do|why|what (?:happens|does|is|if))\b"
)
AUTO = Screen(
    ("", re.compile(pattern))
    for pattern in (
        r"\bauto(?:matic|mated)?[ -]?(?:reply|response|responder)\b",
        r"(?<!receive )(?<!any )(?<!your )(?<!more )(?<!get )(?<!these )(?<!further )\bauto(?:matic|mated)?[ -]?(?:message|text)\b(?!s)(?! messages?\b)",
        r"\bthis is an automat",
        r"\brespuesta automatica\b",
        r"\breponse automatique\b",
        r"\bresposta automatica\b",
        r"\babwesenheits",
        r"\brisposta automatica\b",
        r"\bmensaje automatico\b",
        r"\bmessage automatique\b",
        r"自动回复",
        r"自動回覆",
        r"автоответ",
        r"\b(?:i'?m|i am|currently) (?:driving|on the road) (?:right now|with|and|- ?|—|at the moment)",
        r"^i'?m (?:currently )?driving(?:[.!,;]|$| and (?:will|i'?ll|can))",
        r"\bdo not disturb\b.{0,40}(?:turned on|enabled|on\b|while driving)",
        r"\bwhile driving\b.{0,60}(?:focus|notif|see your message|receive)",
        r"\bi'?ll see your message when\b",
        r"\bi'?m not receiving notifications\b",
        r"\bhas notifications silenced\b",
        r"\breply [\"'“]?urgent[\"'”]? to\b",
        r"\b(?:estoy|voy) (?:conduciendo|manejando)\b.{0,80}(?:mensaje|respond|contest|llam)",
        r"\bje (?:conduis|suis au volant)\b.{0,80}(?:message|repond|rappel)",
        r"\bout[ -]of[ -](?:the )?office\b.{0,80}(?:until|return|back|respon|reply|from|limited|"
        r"contact|message|email|urgent|immediate)",
        r"^(?:i'?m|i am|we are|we're) (?:currently )?out of (?:the )?office\b",
        r"\bfuera de la oficina\b",
        r"\babsente? du bureau\b",
        r"\baway from (?:my|the) (?:desk|phone)\b.{0,60}(?:will|respond|reply|return)",
        r"\b(?:thanks|thank you) for (?:contacting|texting|messaging|reaching out to|calling|your "
        r"message|your text|reaching out|getting in touch)\b.{0,120}(?:we(?:'ll| will| are|'re)|our "
        r"(?:office|hours|team|business|store)|business hours|someone will|a (?:member|representative|"
        r"team)|hours are|currently closed|get back|reply stop|as soon as possible|shortly)",
        r"\bgracias por (?:contactar|comunicarse|su mensaje|escribir|llamar)\b.{0,120}(?:horario|"
        r"responderemos|pronto|breve|atenderemos|oficina|equipo)",
        r"\bmerci (?:d'avoir contacte|de nous avoir|pour votre message|de votre "
        r"message)\b.{0,120}(?:heures|repondr|bientot|equipe|delais)",
        r"\bour (?:office|store|business) (?:hours are|is (?:currently |now )?closed)\b.{0,80}(?:will|"
        r"reply|stop|call|return)",
        r"\b(?:do not|don't|please do not) (?:reply|respond) to this (?:message|text|number|email|"
        r"sms)\b",
        r"\bthis (?:number|mailbox|inbox|line|phone number) (?:is (?:not|no longer|un)|does not|cannot|"
        r"can't|isn't) ?(?:monitored|accept|receive|able|in service|set up)",
        r"\b(?:number|person|customer|subscriber|party) you(?:'re| are| have|'ve)? (?:trying to |"
        r"texted|texting|messaging|called|dialed|tried|reached)",
        r"\b(?:message|text) (?:could not|cannot|was not|can't|couldn't|wasn't) (?:be )?(?:delivered|"
        r"sent)\b",
        r"\bmessage (?:blocking is active|not delivered|undeliverable|failed)\b",
        r"\bfree msg\b",
        r"\bfreemsg\b",
        r"\byou(?:'ve| have| are)? (?:now |been |successfully |already )+(?:unsubscribed|subscribed|"
        r"opted (?:out|in)|removed|re-?subscribed|blocked from)\b",
        r"\byou will (?:not |no longer )receive (?:any )?(?:more |further |additional )?(?:messages|"
        r"texts|sms|alerts)\b",
        r"\bno (?:more|further|additional) messages will be sent\b",
        r"\bnetwork msg\b",
        r"\bunrecogni[sz]ed (?:command|keyword|response|message)\b",
        r"\b(?:invalid|unknown) (?:response|keyword|command|option)\b",
        r"\bpress \d (?:for|to)\b",
        r"\breply (?:with )?\d (?:for|to)\b",
        r"\bi am a (?:virtual|automated) (?:assistant|agent)\b",
        r"\bi'?m (?:an? )?(?:virtual|automated|ai) (?:assistant|agent)\b",
    )
)
_OTP = re.compile(
    r"\b(?:verification|security|one[ -]?time|login|log ?in|sign[ -]?in|access|authentication|auth|"
    r"confirmation|passcode|2fa|otp|google|whatsapp)\s?(?:pass)?(?:code|password|pin|passcode|"
    r"otp)?\b.{0,40}?(?<!\d)(?:g-)?\d{4,8}\b"
    r"|(?<!\d)(?:g-)?\d{4,8}\b.{0,40}\b(?:is|es|est) (?:your|the|tu|su|votre)\b.{0,40}\b(?:code|"
    r"passcode|pin|password|otp|codigo)\b|\b(?:codigo de (?:verificacion|seguridad|acceso)|code de "
    r"(?:verification|securite))\b.{0,30}?\d{4,8}|验证码.{0,12}\d{4,8}|"
    r"код.{0,24}\d{4,8}.{0,40}(?:никому|подтвержд)"
)
_OTP_ORDER = re.compile(r"\b(?:your|tu|su|votre|ihr|use|enter)\b|:|\bis\b|don't share|do not share|никому|验证码")


def machine_text(text: str) -> MachineText | None:
    """Which kind of machine wrote `text`, or None for a person.

    A reaction quotes the message it is about, so nothing inside it is the sender's own words.
    """
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS]
    s = " ".join(without_accents(folded(text)).split())
    if _REACTION.match(s) or _EMOJI_TO.match(s) or _REACTED_TO_MESSAGE.match(s) or _QUOTE_REACTED.match(s):
        return MachineText.REACTION
    if _is_code(s):
        return MachineText.OTP
    if any(pattern.search(s) for _, pattern in AUTO.rows_for(s.split())):
        return MachineText.AUTO_REPLY
    if (
        (_INSTRUCTION.search(s) or _STOP_TO_END.search(s) or _RATES.search(s))
        and not _PERSONAL.search(s)
        and "?" not in s[-2:]
    ):
        return MachineText.AUTO_REPLY
    return None


def _is_code(s: str) -> bool:
    """A one-time code: a name for it next to 4 to 8 digits, addressed to the reader."""
    return any(c.isdigit() for c in s) and _OTP.search(s) is not None and _OTP_ORDER.search(s) is not None
