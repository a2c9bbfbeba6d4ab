"""What the words beside a box must not do besides agreeing to texts of one business, in English and Spanish. Pure.

C-061: a tick accepts nothing else, is nobody's but the person's, and is for the business that is named; CTIA Messaging
Principles 5.1: consent is not shared with or sold to others. Words that deny such a thing say nothing wrong.
"""

from __future__ import annotations

import re

from consent.wording import Finding, affirms

_SOON = r"(?:(?!\b(?:see|read|review|view|find|visit|described|consulte|lea|vea|revise|about|regarding|sobre)\b)[^;]){0,240}?"
_THE = (
    r"(?:the|our|its|their|these|those|this|all|any|a|an|such|both|general|following|binding|user|other|full"
    r"|los|las|el|la|nuestros|nuestras|nuestro|nuestra|sus|estos|estas|un|una|todos|todas)"
)
_PAPER = (
    r"(?:terms(?: (?:and|of) (?:conditions|service|use))?|conditions of (?:use|sale|service)|conditions"
    r"|privacy (?:policy|notice|statement|practices)|(?:mandatory |binding )?arbitration(?: agreement)?|class[- ]action waiver"
    r"|(?:user|service|customer|membership|subscriber|purchase|license|representation|arbitration|sales|lease|rental|buyer) (?:representation )?agreement"
    r"|waivers?|terminos(?: y condiciones| de(?:l)? (?:uso|servicio))?|condiciones(?: de(?:l)? (?:uso|servicio|venta))?"
    r"|(?:politicas?|avisos?) de privacidad|arbitraje|contrato(?: de \w+)?|acuerdo de \w+)\b"
)
_ACCEPT = (
    r"\b(?:agree(?:ing|s)? (?:to|with)|agree(?:ing|s)?|accept(?:ing|s|ance of)?|consent(?:ing|s)? to|acknowledg(?:e|es|ing)|(?:am|are|be|is) bound by"
    r"|sign(?:ing|s)?|acept(?:o|a|ar|amos)|autorizo|consiento|estoy de acuerdo(?: con)?|esta de acuerdo(?: con)?|firmo|reconozco)"
)
_BUNDLED = re.compile(
    rf"{_ACCEPT}(?: (?:to|also|with|by|con|a|tambien|and|{_THE})){{0,4}} (?:(?!no\b|ningun)\w+ )?{_PAPER}"
    rf"|{_ACCEPT} {_SOON}(?:,|\band\b|\by\b|\be\b|\bas well as\b|\bplus\b)(?: (?:also|to|with|by|con|a|tambien|accept|agree to|acepto))* {_THE} (?:(?!no\b|ningun)\w+ )?{_PAPER}"
    rf"|\b(?:waiv(?:e|es|ing)|give up|giving up|renunci(?:o|a|ar)(?: a)?) (?:\w+ ){{0,5}}(?:rights?|claims?|class action|jury|trial|derechos?|demandas?|juicio)\b"
)

_NUMBER = r"(?:number|phone|information|info|data|details|consent|opt[- ]ins?|agreement|contact|numero|telefono|datos|informacion|consentimiento)\b"
_OTHERS = (
    r"(?:(?:\w+ ){0,2}partners|affiliat(?:es|ed compan(?:y|ies)|ed business(?:es)?)|subsidiaries|third[- ]part(?:y|ies)|other (?:\w+ )?(?:compan(?:y|ies)|business(?:es)?|sellers|brands)"
    r"|(?:any|an)other (?:compan(?:y|ies)|business)|(?:participating |other |our |partner )?lenders|advertisers|sponsors|sister compan(?:y|ies)|service providers we choose"
    r"|socios(?: comerciales| de marketing)?|afiliad[oa]s|filiales|terceros|terceras partes|otras (?:empresas|companias)|otros negocios|prestamistas|anunciantes)\b"
)
_PASS_ON = (
    r"(?:shar(?:e|es|ed|ing)|sell(?:s|ing)?|sold|rent(?:s|ed|ing)?|giv(?:e|es|en|ing)|provid(?:e|es|ed|ing)|disclos(?:e|es|ed|ing)|transfer(?:s|red|ring)?|pass(?:ed|es|ing)?(?: on)?"
    r"|compart(?:ir|imos|idos?|idas?|e|en)|vend(?:er|emos|idos?|e|en)|ced(?:er|emos|idos?)|dar|entregar|transferir)\b"
)
_SHARED = re.compile(
    rf"\b{_PASS_ON}[^;.]{{0,80}}?\b(?:with|to|con|a)\b(?: (?:\w+ ){{0,3}}?){_OTHERS}"
    rf"|\b(?:from|by|de|por)\b [^;.]{{1,80}}?(?:,|\band\b|\bor\b|\by\b|\be\b|\bo\b) (?:(?:by|from|our|its|their|any of|all|up to|select|de|sus|nuestros|nuestras|\w+) ){{0,3}}?{_OTHERS}"
    rf"|\b{_OTHERS} (?:\w+ ){{0,2}}?(?:(?:may|can|will|might|could|pueden|podran) (?:\w+ ){{0,2}}?)?(?:text|call|contact|message|send|enviar\w*|contactar\w*|llamar\w*|mandar\w*)\b"
)
_EXCEPTED = re.compile(rf"\b(?:except(?: for)?|other than|apart from|salvo|excepto)\b(?: \w+){{0,4}}? {_OTHERS}")

_BOX = r"(?:box|checkbox|tick[- ]?box|casilla|it)"
_STATE = r"(?:ticked|checked|selected|marked|filled in|marcad[oa]|seleccionad[oa])"
_PRETICKED = re.compile(
    rf"\bpre[- ]?(?:ticked|checked|selected|filled)\b|\bpre ?(?:marcad|seleccionad)[oa]\b"
    rf"|\b{_BOX} (?:is|comes|has been|was|esta|viene|aparece) (?:already |automatically |ya )?{_STATE}\b"
    rf"|\b(?:already|automatically) {_STATE}\b|\bya (?:esta |viene )?(?:marcad|seleccionad)[oa]\b"
    rf"|\b{_STATE} (?:for you|by default|in advance|por defecto|de antemano|por usted|previamente)\b"
    rf"|\b(?:un(?:tick|check|select)|clear|desmar(?:que|car|ca)) (?:\w+ ){{0,2}}{_BOX}\b[^;.]{{0,40}}?\b(?:if|to (?:opt|stop|refuse|decline|not)|unless|si no|para no)\b"
    rf"|\b(?:unless|if) you (?:do not |don't )?(?:un(?:tick|check|select)|clear)\b|\b(?:a menos que|si no) (?:la )?(?:desmar\w+)\b"
    rf"|\bleav(?:e|ing) (?:\w+ ){{0,2}}{_BOX} {_STATE}\b|\bdej(?:e|ar|ando) (?:\w+ ){{0,2}}{_BOX} {_STATE}\b"
)


# "We text you only if you agree" asks for consent as it should be asked for; whatever else waits for it is made to.
_AGREEING = (
    r"(?:agree(?:ing|ment)?|consent(?:ing)?|accept(?:ing|ance)?|opt(?:ing)?[- ]?in|sign(?:ing)?[- ]?up|tick(?:ing)?|check(?:ing)?|subscrib(?:e|ing)"
    r"|(?:your|this|the|a) (?:consent|agreement|permission|tick|check)|permission|(?:receive|receiving|get|getting|take) (?:\w+ ){0,2}(?:texts?|messages?)"
    r"|aceptar|acepte|consentir|consienta|consentimiento|autorizar|autorice|autorizacion|marcar|marque|suscribirse|recibir (?:\w+ ){0,2}(?:mensajes|textos))\b"
)
_MUST = r"(?:must|shall|ha(?:ve|s) to|need(?:s)? to|(?:are|is|be) (?:required|obliged|obligated|bound|forced) to|got to|debe|debo|deben|tiene que|tengo que|ha de|necesita)"
_IS_NEEDED = (
    r"(?:(?:is|are|be|remains) (?:(?!not\b|no\b|never\b)\w+ )?(?:required|mandatory|necessary|compulsory|obligatory|needed|a must|a (?:pre)?condition|a requirement|a prerequisite|essential)"
    r"|(?<!no )es (?:(?!nunca\b)\w+ )?(?:obligatori[oa]|necesari[oa]|indispensable|requerid[oa]|(?:un )?requisito|(?:una )?condicion))\b"
)
_SERVED = (
    r"(?:help(?:ed)?|answer(?:ed)?|serve[ds]?|assist(?:ed)?|repl(?:y|ied)|respond|talk|speak|proceed|continue|show|work with|book|schedule|sell|quote|accept|process|see"
    r"|ayud\w+|atend\w+|respond\w+|contest\w+|mostr\w+|continuar|proceder|servir\w*)\b"
)
_NOT_FOR_TEXTS = (
    r"(?![^;.]{0,12}\byourself\b)(?! (?:\w+ ){0,6}?(?:before|to (?:get|receive)|for us to|so that we) (?:\w+ ){0,3}?(?:text|texts|texting|messages?)\b)"
    r"(?! (?:\w+ ){0,5}?(?:antes de|para) (?:que )?(?:\w+ ){0,3}?(?:enviar\w*|mensajes|textos)\b)"
)
_REQUIRED = re.compile(
    rf"(?<!nobody )(?<!no one )(?<!nadie )\b{_MUST} (?:(?:first|also|all|please|then|therefore|both|to|give(?: us)?|provide|primero|tambien|dar(?:nos)?) )*{_AGREEING}{_NOT_FOR_TEXTS}"
    rf"|\b{_AGREEING}(?: (?!not\b|no\b|never\b|nunca\b|neither\b)\w+){{0,6}}? {_IS_NEEDED}{_NOT_FOR_TEXTS}"
    rf"|\b(?:required|mandatory|necessary|compulsory|obligatory|essential|obligatorio|necesario|indispensable)(?: for \w+)? (?:(?:to|that you|that i|que) (?:\w+ )?)?{_AGREEING}{_NOT_FOR_TEXTS}"
    rf"|\b(?:we|nobody|you|i)(?:'ll)? (?:only|solely) (?:\w+ ){{0,2}}?{_SERVED} [^;]{{0,60}}?\b(?:if|when|once|after|who) (?:\w+ ){{0,3}}?{_AGREEING}"
    rf"|\b(?:solo|solamente) (?:\w+ ){{0,2}}?{_SERVED} [^;]{{0,60}}?\b(?:si|cuando|quienes|a quien) (?:\w+ ){{0,3}}?(?:acept\w+|marc\w+|consient\w+)"
    rf"|\b(?:requires?|demands?|requiere|exige) (?:\w+ ){{0,2}}?{_AGREEING}{_NOT_FOR_TEXTS}"
    rf"|\bas a (?:pre)?condition (?:of|for|to) (?:(?:being|getting|receiving|having|any|an?|the|our|your|my) )*(?:{_SERVED}|help|answers?|repl(?:y|ies)|inquiry|appointment|visit|tour|viewing)"
    rf"|\bin (?:exchange|return) for (?:(?:help|an?|our|the|your|this|any) )*(?:help|answers?|repl(?:y|ies)|quotes?|appointment|visit|discount|offer|consent|agreement)\b"
)
_REFUSED = re.compile(
    rf"(?:\b(?:not|never|no|cannot|unable to|nobody|no one)\b|n't\b|\b(?:refuse|decline) to\b)(?: (?:be|be able to|se|le|lo|la|podemos|puede|podra|podremos|will|is|gets?))* (?:\w+ )?{_SERVED}[^;.]{{0,60}}?"
    rf"\b(?:unless|without|until|if (?:you|i) (?:do not|don't|refuse to|decline to)|a menos que|sin|hasta que|si (?:usted )?no) (?:\w+ ){{0,3}}?(?:{_AGREEING}|acept\w+|marc\w+|consient\w+)"
    rf"|\b(?:unless|without|until|if (?:you|i) (?:do not|don't|refuse to|decline to)|a menos que|sin|hasta que|si (?:usted )?no) (?:\w+ ){{0,3}}?(?:{_AGREEING}|acept\w+|marc\w+|consient\w+)[^;.]{{0,60}}?"
    rf"(?:\b(?:not|never|no|cannot|unable to|nobody|no one)\b|n't\b|\b(?:refuse|decline) to\b)(?: (?:be|be able to|se|le|lo|la|podemos|puede|podra|podremos|will|is|gets?))* (?:\w+ )?{_SERVED}"
)


def overreaching(text: str) -> list[Finding]:
    """What `text` does besides agreeing to texts of the business that it names, one finding for each item.

    Items: bundled (it accepts terms, arbitration or another agreement), shared (others may have the number or text it),
    preticked (the box is not the person's to tick), required (something but texts waits for it).
    """
    findings = []
    if affirms(text, _BUNDLED):
        findings.append(
            Finding("bundled", "take out that ticking accepts terms or another agreement: give that a box of its own")
        )
    if affirms(text, _SHARED) or affirms(text, _EXCEPTED, governed=False):
        findings.append(
            Finding("shared", "take out partners, affiliates and third parties: one business asks for itself")
        )
    if affirms(text, _PRETICKED):
        findings.append(Finding("preticked", "leave the box unticked, and take out that it is ticked for them"))
    if affirms(text, _REQUIRED, beside_buying=True) or affirms(text, _REFUSED, governed=False, beside_buying=True):
        findings.append(Finding("required", "take out that they must agree: a tick is free, and nothing waits for it"))
    return findings
