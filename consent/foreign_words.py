"""Requests to end texts, and what only sounds like one, in the other languages people write to us in. Pure.

Every pattern is matched against plain text: lower case, accents off, one space between words, "|" ends a sentence.
"""

import re

from consent.normalise import without_accents
from consent.screen import Screen

# What the rules of `tongues` would take for a request and is none: the thing refused is not a text to the sender.
_NOT_OUT = (
    r"\bdej(?:e|a|en)(?:me|nos) (?!de\b)\w+(?:ar|er|ir)(?:l[oae]s?)?\b",  # "déjeme pensarlo": let me think
    r"\bno (?:me|nos) (?:mand|envi)\w*(?: (?:mas|las|los|la|el|un|una|otra|otro|todavia|aun))* "
    r"(?:foto|video|link|enlace|contrato|documento|papel|dinero|ubicacion|direccion|imagen|"
    r"informacion|cotizacion|factura)\w*",
    r"\bno (?:me|nos) (?:lleg|funciona|abre|deja|sirve|contest|respond|escribieron|mandaron|"
    r"enviaron|llamaron|contactaron|escribio|mando|envio|contacto)\w*",
    r"\bno (?:me|nos) (?:han|ha|habia|habian) \w+",
    r"\bpor que no (?:me|nos)\b[^|?]*",
    r"\b(?:si|porque|cuando) no (?:me|nos) (?:contact|escrib|mand|envi|llam)\w*",
    r"\bno (?:me )?molesta\b(?!me)|\bno (?:es|hay|seria) (?:una? )?molest\w*",
    r"\bno dej\w+ de (?:escrib|mand|envi)\w*|\bno par\w+ de (?:mand|envi|escrib)\w*",
    r"\b(?:n )?arret\w* pas\b[^|?]*|\bne (?:m |me )?oubliez pas\b[^|?]*",
    r"\b(?:n )?oubliez pas\b[^|?]*|\bn oublie pas\b[^|?]*|\bnicht vergessen\b[^|?]*|\bvergess\w+ (?:sie |bitte )*nicht\b[^|?]*"
    r"|\bvergiss nicht\b[^|?]*|\bno (?:se )?(?:me )?olvid\w+ (?:de |que |mandar|enviar|escrib)[^|?]*|\bnon dimentic\w+[^|?]*"
    r"|\bnao (?:se )?esque[cç]\w+[^|?]*|\bне забуд\w+[^|?]*|\bnie zapom\w+[^|?]*",
    r"\b(?:m|mwen) (?:pa|poko) (?:te |janm )?(?:resevwa|jwenn)\b[^|?]*",
    r"\bpourquoi (?:ne |n )?(?:m |me )\w+[^|?]*",
    r"\bne (?:m |me )envoyez pas (?:de |la |le |les |d )?(?:photos?|videos?|liens?|contrat|documents?|images?)",
    r"\bje ne (?:\w+ )?(?:peux|peut|pourrai) pas\b[^|?]*",
    r"\bnao (?:me|nos) (?:mandou|enviou|mandaram|enviaram|contataram|respond\w+)",
    r"\bnon (?:mi|ci) (?:ha|hanno|avete|hai) \w+|\bnon (?:mi|ci) mand\w+ (?:foto|video)",
    r"(?:还没|還沒|没有|沒有|没|沒|为什么|為什麼|怎么)[^|]{0,10}(?:收到|发|發|联系|聯繫|短信|信息)",
    r"(?:不要|别|別)[^|]{0,3}(?:忘|停止|客气|担心)[^|]{0,12}",
    r"\bне (?:пришл|пришел|дошл|получ|отправил|прислал|написал|позвонил|ответил|пишет)[а-я]*(?! больше)",
)
# A time, a place or a pause for which texts are refused, not texts as such.
FOREIGN_TIME = (
    r"\b(?:antes de las|despues de las|por la noche|de noche|tan tarde|tan temprano|los domingos|"
    r"hasta las|en el trabajo|de madrugada|por la manana|avant \d|apres \d+ ?h?|le soir|la nuit|si "
    r"tard|si tot|le dimanche|avant midi|antes das|depois das|a noite|vor \d|nach \d|abends|nachts|"
    r"sonntags|после \d|до \d|ночью)\b"
)
FOREIGN_PAUSE = (
    r"\b(?:hasta (?:el|la|que|junio|enero|primavera|proximo|nuevo|nueva)|por ahora|por el momento|"
    r"jusqu(?:e|a| au| en)|pour l instant|pour le moment|por enquanto|vorerst|im moment|пока)\b"
)

_HOLD: tuple[tuple[str, str, str], ...] = (
    (
        "es",
        "wrong_number",
        r"\b(?:numero|persona|telefono|number) (?:equivocad|incorrect|erroneo)\w*|\bse equivoc\w* de "
        r"(?:numero|persona)|\bno (?:soy|es) (?:el (?:numero|telefono) de )?\w+(?= *(?:\||"
        r"$))(?<!interesad[oa])|\bno conozco a\b|\baqui no (?:vive|hay)\b",
    ),
    (
        "es",
        "not_interested",
        r"\bno (?:me|nos) interesa\b(?: *(?:\||$|gracias|mas|ya|por))|\bno (?:estoy|estamos) "
        r"interesad\w*(?: *(?:\||$|gracias|en (?:nada|esto|comprar|vender)))|\bya no (?:me|nos) "
        r"interesa\b|\bno gracias *(?:\||$)|\bya no (?:busco|estoy buscando|estamos buscando)\b",
    ),
    (
        "es",
        "complaint",
        r"\b(?:esto es|que) (?:acoso|spam|molest\w+)\b|\bacoso\b|\bvoy a (?:reportar|denunciar)\w*|"
        r"\blos voy a (?:reportar|denunciar)",
    ),
    (
        "fr",
        "wrong_number",
        r"\b(?:mauvais|faux) (?:numero|number)|\bpas le (?:bon|bonne) (?:numero|number|personne)|"
        r"\bmauvaise personne|\berreur de (?:numero|personne)|\bvous vous trompez de|\b(?:ce|c) n est "
        r"pas \w+(?= *(?:\||$))|\bje ne suis pas \w+(?= *(?:\||$))|\bvous avez le mauvais",
    ),
    (
        "fr",
        "not_interested",
        r"\b(?:pas|plus) (?:du tout )?interesse\w*(?: *(?:\||$|merci|par (?:vos|votre)))|\bnon merci "
        r"*(?:\||$)|\bca ne m interesse pas|\b(?:ca|cela) ne m interesse\b",
    ),
    ("fr", "complaint", r"\bc est du (?:harcelement|spam)|\bharcelement\b|\bje vais (?:porter plainte|vous signaler)"),
    ("pt", "wrong_number", r"\b(?:numero|pessoa) errad\w+|\bnao sou (?:o |a )?\w+(?= *(?:\||$))"),
    ("pt", "not_interested", r"\bnao (?:tenho|estou) (?:mais )?interess\w+|\bsem interesse|\bnao obrigad\w *(?:\||$)"),
    ("de", "wrong_number", r"\bfalsche (?:nummer|person)|\bfalsch verbunden"),
    ("de", "not_interested", r"\b(?:kein interesse|nicht (?:mehr )?interessiert|nein danke *(?:\||$))"),
    ("it", "wrong_number", r"\b(?:numero|persona) sbagliat\w+|\bavete sbagliato"),
    ("it", "not_interested", r"\bnon (?:mi interessa|sono (?:piu )?interessat\w)|\bno grazie *(?:\||$)"),
    ("ru", "wrong_number", r"\b(?:вы )?ошиблись(?: номером)?|\bне тот номер|\bнеправильныи номер|\bневерныи номер"),
    ("ru", "not_interested", r"\bне ?интерес[а-я]*|\bнет спасибо *(?:\||$)|\bмне не нужно *(?:\||$)"),
    ("zh", "wrong_number", r"(?:打错|打錯|发错|發錯|错号|号码错|认错人|认错|搞错)"),
    ("zh", "not_interested", r"(?:不感兴趣|不感興趣|没兴趣|沒興趣|没有兴趣|不需要了?(?=$| |\|)|不用了(?=$| |\|))"),
    ("ko", "wrong_number", r"(?:잘못 ?(?:보내|거|연락)|번호 ?(?:잘못|틀))"),
    ("ko", "not_interested", r"(?:관심 ?없|필요 ?없|괜찮습니다)"),
    ("vi", "wrong_number", r"\b(?:nham|sai) so\b|\bnham nguoi\b"),
    ("vi", "not_interested", r"\bkhong (?:quan tam|co nhu cau)\b"),
    ("ht", "wrong_number", r"\b(?:move|mal) nimewo\b"),
    ("ht", "not_interested", r"\b(?:pa|mwen pa) entere[sz]e\b|\bsa pa enterese m"),
    ("tl", "wrong_number", r"\bmaling (?:number|numero)|\bwrong number"),
    ("tl", "not_interested", r"\b(?:hindi|di) (?:na )?(?:po )?(?:ako )?interesad\w"),
    ("ar", "wrong_number", r"(?:رقم|الرقم) (?:خطا|غلط|خاطي)"),
    ("ar", "not_interested", r"(?:غير مهتم|مش مهتم|لست مهتم)"),
)

_HELP: tuple[tuple[str, str], ...] = (
    (
        "es",
        r"^(?:hola )?(?:y )?(?:de parte de quien|(?:de parte de )?quien (?:es|eres|son|habla|me "
        r"(?:escribe|habla|manda)|manda|escribe)\b|de que (?:compania|empresa)|como (?:consigui|"
        r"obtuv)\w+ mi (?:numero|number)|por que me (?:mandan|escriben|llegan))|\bcuesta\w* (?:estos |"
        r"los )?mensajes|\bhablar con (?:una persona|alguien|un humano|un agente)",
    ),
    (
        "fr",
        r"^(?:bonjour )?(?:c est qui|qui (?:est ce|etes vous|est la|es tu|parle|m ecrit)|quelle "
        r"(?:compagnie|entreprise)|comment avez vous (?:eu|obtenu))|\bparler (?:a|avec) (?:une "
        r"personne|quelqu un|un humain|un agent)",
    ),
    ("pt", r"^(?:oi |ola )?(?:quem (?:e|fala|esta)\b|qual empresa|como (?:conseguiu|conseguiram) meu)"),
    ("de", r"^(?:hallo )?wer (?:ist (?:das|da)|sind sie|bist du|schreibt)"),
    ("it", r"^(?:ciao |salve )?(?:chi (?:e|sei|siete|parla|scrive))\b"),
    ("ru", r"^(?:кто (?:это|вы|ты|пишет)|откуда у вас мои номер|что за компания)"),
    (
        "zh",
        r"^(?:请问)?(?:你|您)?(?:是)?(?:谁|誰|哪位|哪里|哪家公司)|(?:你|您)们?(?:是谁|是誰|哪位)|怎么(?:有|知道|得到)我的(?:号码|电话)",
    ),
    ("vi", r"^(?:ai (?:day|the|vay|do)|ban la ai|day la ai)"),
    ("ko", r"(?:누구세요|누구신가요|누구시죠|누구야|어디세요)"),
    ("ht", r"^(?:ki (?:moun|es) (?:sa|ki|ou))"),
    ("tl", r"^(?:sino (?:ito|po|to|ba|ka|kayo|to po))\b"),
    ("ar", r"^(?:من (?:انت|انتم|معي|هذا|المتحدث)|مين)"),
)

_IN: tuple[tuple[str, str], ...] = (
    (
        "es",
        r"\b(?:quiero|deseo|acepto|quisiera) (?:volver a )?(?:seguir )?(?:recibi\w+|que me (?:escriban|"
        r"manden))|\b(?:vuelv|reanud|reactiv|empie|comien|inici|activ|continu|sig)\w* (?:a |con "
        r")?(?:los |mis )?(?:mandar\w*|enviar\w*|escribi\w*|mensajes|notificaciones)|\bsi (?:quiero|"
        r"acepto|por favor|estoy de acuerdo|gracias|claro)\b|\b(?:pueden?|puedes) (?:volver a "
        r")?(?:escribir|mandar|enviar)me\b|\b(?:dar|darme|dame|deme|denme) de alta|\bsuscr\w+",
    ),
    (
        "fr",
        r"\b(?:repren|recommenc|reactiv|continu|redemarr)\w* (?:les |l |a |de |d |mes |vos )*(?:m "
        r")?(?:messages?|textos?|sms|envoi\w*|envoyer|ecrire)|\b(?:je )?(?:veux|souhaite|accepte|"
        r"voudrais) (?:de )?(?:recevoir|encore recevoir|a nouveau recevoir)|\b(?:reabonn|reinscri|"
        r"abonn|inscri)(?:ez|er|e|vez|re|s)? (?:moi|me)?|\boui (?:j accepte|je (?:veux|accepte)|svp|"
        r"merci|s il vous plait|d accord)",
    ),
    (
        "pt",
        r"\b(?:quero|aceito|gostaria de) (?:voltar a )?receb\w+|\bpode\w* (?:voltar a )?me (?:mandar|"
        r"enviar|escrever)|\bsim (?:quero|aceito|por favor)",
    ),
    ("de", r"\bja (?:bitte|gerne|ich)|\b(?:mochte|will) (?:wieder )?(?:nachrichten|sms) (?:erhalten|bekommen)"),
    ("zh", r"(?:重新订阅|恢复|继续|可以)[^|]{0,6}(?:发|短信|消息|订阅)|我?同意"),
    (
        "ru",
        r"\b(?:да )?(?:согласен|согласна)|\b(?:снова|опять|можете) (?:писать|пишите|присылаите)|"
        r"\bвозобнов[а-я]*|\bподпи[шс][а-я]*",
    ),
)


def _compiled(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((language, re.compile(without_accents(pattern))) for language, pattern in rows)


FOREIGN_NOT_OUT = re.compile(without_accents("|".join(_NOT_OUT)))
FOREIGN_HELP = Screen(_compiled(_HELP))
FOREIGN_IN = _compiled(_IN)
FOREIGN_HOLD = Screen(((language, tag), re.compile(without_accents(pattern))) for language, tag, pattern in _HOLD)
