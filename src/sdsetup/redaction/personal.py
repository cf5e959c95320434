"""Numbers and names by which somebody, a computer or a network is known; and what a log tells of pictures."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

_ID = "[id]"
_ADDRESS = "[address]"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?i)(?<![\w.+-])(?:mailto:)?[\w.+-]+(?:@|%40|\s\(at\)\s|\[at\])[\w-]+(?:\.[\w-]+)+\b"),
        "[mail]",
    ),
    (re.compile(r"\b(GPU|MIG(?:-GPU)?)-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), rf"\1-{_ID}"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), _ID),
    (re.compile(r"(?i)\bgpu-[0-9a-f]{32}\b"), _ID),
    # Security identifiers: of a domain or a PC, of a cloud account, of an application; as bytes.
    (re.compile(r"(?i)\bS-1-(?:\d+|0x[0-9a-f]+)(?:-\d+){3,}(?:_\w+)?"), _ID),
    (re.compile(r"(?i)\bS-1-\d+(?:-\d+)*-\d{5,}(?:_\w+)?"), _ID),
    (
        re.compile(
            r"(?i)(?<![0-9a-z])(?:0x)?01[- ]?0[1-9a-f][- ]?00[- ]?00[- ]?00[- ]?00[- ]?00[- ]?(?:05"
            r"|0c)(?:[- ]?[0-9a-f]{2}){8,}"
        ),
        _ID,
    ),
    (re.compile(r"\b(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}\b"), _ADDRESS),
    (re.compile(r"\b(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}\b"), _ADDRESS),
    (re.compile(r"(?i)\b(mac(?: ?address)?|bssid|physical address)(\W{1,3})[0-9a-f]{12}\b"), rf"\1\2{_ADDRESS}"),
    (
        re.compile(
            r"(?i)\b(serial(?:[ _]?(?:no|number|num|nr))?\.?|s/n|sn|service[ _]?tag|asset[ _]?tag"
            r"|product[ _]?id|imei|uuid"
            r"|machine[ _-]?(?:id|guid)|device[ _]?id|hwid|fingerprint|seriennummer|серийный номер)"
            r"([\"']?\s*[:=#]\s*[\"']?|\s+(?:is|was)\s+|\s+(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]{5,}))[^\s\"',;)]+"
        ),
        rf"\1\2{_ID}",
    ),
    # Bank accounts, cards, telephones.
    (re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?: ?(?:\d{4}|[A-Z]{4})){2,7}(?: ?\d{1,4})?(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w.-])(?:\d{4}[ -]){3}\d{4}(?![\w.-])"), "[number]"),
    (re.compile(r"(?<![\w.+-])\+\d{1,3}(?:[ ()/-]{0,2}\d){7,12}(?![\w.])"), "[number]"),
    # Accounts as programs name them.
    (re.compile(r"(?i)\b([ug]id|euid|groups?)=(\d+)\([^)\r\n]*\)"), r"\1=\2(user)"),
    (re.compile(r"(?i)\b((?:user|account) id \d+ )\([^)\r\n]*\)"), r"\1(user)"),
    (re.compile(r"(?i)\b(whoami\b\W{1,4})[^\r\n]+"), r"\1user"),
    (re.compile(r"(?i)\b(AzureAD|MicrosoftAccount|WORKGROUP)\\+[^\s\\\"',;]+"), r"\1\\user"),
    (re.compile(r"(?i)\b(user\.name[ \t=:]+)[^\r\n]+"), r"\1user"),
    (
        re.compile(
            r"(?i)(?<!\w)((?:benutzer(?:name)?|anmeldename|(?:nom d['’])?utilisateur|(?:nombre de )?usuario"
            r"|nome utente|nome de usuário|nazwa użytkownika|имя пользователя|пользователь|用户名|ユーザー名)"
            r"[\"']?\s*[:=：]\s*)[^\r\n\"',;]+"
        ),
        r"\1user",
    ),
    (re.compile(r"(?i)([\"'](?:USER(?:NAME)?|LOGNAME)[\"']\s*:\s*[\"'])[^\"'\r\n]+"), r"\1user"),
    (re.compile(r"(?im)((?:^|: )\s*(?:Author|Committer|Signed-off-by|Co-authored-by):[ \t]+)[^\r\n]+"), r"\1user"),
    (re.compile(r"(?<![\w-])([-dlbcps][rwxsStT-]{9}[.+@]?\s+\d+\s+)\S+(\s+)\S+"), r"\1user\2user"),
    (re.compile(r"(?i)\b(chown\b[^\r\n]*?\s)[\w.-]+:[\w.-]+"), r"\1user:user"),
    (re.compile(r"(?i)(\s/user:)[^\s\"']+"), r"\1user"),
    (re.compile(r"(?i)(?:(?<![\w.-])git@[\w.-]+|\[mail\]):[^\s\"'/]+/[^\s\"']+"), "git@[address]"),
    (
        re.compile(
            r"(?i)\b(?:smb|afp|sftp|dav|google-drive|mtp)-?(?:share)?:(?:server|host|user|volume)=[^\s\"']+"
        ),
        "[share]",
    ),
    (
        re.compile(
            r"(?i)(?<!\w)((?:имя (?:компьютера|узла)|computername|rechnername|nom de l['’]ordinateur"
            r"|nombre del equipo|nome (?:del )?computer|nazwa komputera|计算机名|コンピューター名)"
            r"[\"']?\s*[:=：]\s*)[^\s\"',;]+"
        ),
        r"\1[computer]",
    ),
    # A shell's prompt.
    (re.compile(r"\[[\w.-]+@[\w.-]+ [^\]\r\n]*\](?=[$#%])"), "[user@[computer]]"),
    (re.compile(r"(?<![\w.+-])[\w.-]+@[\w-]+(?=:[~/]|\s+[~/][^\s]*\s*[$#%>])"), "user@[computer]"),
    (re.compile(r"(?i)\bOneDrive - [^\\/\r\n\"']+"), "OneDrive"),
    (re.compile(r"(?i)\b([be]?ssid)\s+[^\r\n]+"), r"\1 [network]"),
    (re.compile(r"(?i)\b((?:connected|associated|joined) (?:to|with) )(['\"])[^'\"\r\n]+\2"), r"\1[network]"),
    # Names of wireless networks, to the end of the line: they hold blanks.
    (
        re.compile(
            r"(?i)\b((?:b|e)?ssid(?: name)?|wi-?fi|wlan|wireless|network name|profile|connection name|netzwerk)"
            r"([^\w\r\n]{0,3}(?:\s*(?:network|profile|name|netz))?\s*(?:[:=]|\"|'|«|„)\s*)[^\r\n]+"
        ),
        r"\1\2[network]",
    ),
    (
        re.compile(
            r"(?i)\b((?:connected|joined|connecting|verbunden) (?:to|with|mit) (?:wi-?fi|wlan"
            r"|(?:the )?network|wireless)\b)[^\r\n]*"
        ),
        r"\1 [network]",
    ),
    (re.compile(r"\b(?:DESKTOP|LAPTOP|WIN|MSI|PC|TABLET)-(?=[A-Z0-9]*\d)[A-Z0-9]{5,12}\b"), "[computer]"),
    (
        re.compile(
            r"(?i)(?<![\w.-])(?!(?:localhost"
            r"|sdsetup)\.)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.(?:local|lan|home|localdomain"
            r"|fritz\.box|internal|intranet|corp|arpa|workgroup)(?![\w-])(?!\.\w)"
        ),
        "[computer]",
    ),
    (
        re.compile(
            r"(?i)\b((?:computer|host|machine|device|pc|rechner|node|server|workgroup|domain"
            r"|logon ?server)[ _-]?name[\"']?\s*(?:[:=]\s*|is\s+)[\"']?)[^\s\"',;]+"
        ),
        r"\1[computer]",
    ),
    (
        re.compile(
            r"(?i)\b((?:user|account|owner|login|logon|logged in|full|display|real|registered)[ _-]?(?:name"
            r"|owner|as|user)[\"']?\s*(?:[:=]\s*|is\s+|\s)[\"']?)(?!Error|for\b)[^\r\n\"',;]+"
        ),
        r"\1user",
    ),
    (
        re.compile(
            r"(?i)\b((?:env|set|export)?\s*(?:user|logname|sudo_user|userdomain|computername|hostname"
            r"|logonserver|userprofile|homepath|home)=)[^\r\n\"';&]+"
        ),
        r"\1user",
    ),
    (
        re.compile(
            r"(?<![\w~])(?!PROGRA~|DOCUME~|MICROS~|WINDOW~"
            r"|COMMON~)[A-Z0-9_$!#%&'@^`{}-]{1,8}~\d{1,2}(?![\w])(?:\.[A-Z0-9]{1,3}\b)?"
        ),
        "[short name]",
    ),
    (
        re.compile(r"(?<![\w/+.-])\+?\d{1,3}[ -]?\(?\d{2,4}\)?[ -]\d{3}[ -]\d{2,4}(?:[ -]\d{2})?(?![\w.])"),
        "[number]",
    ),
    (re.compile(r"(?i)(?<![a-z0-9])(?:latitude|longitude|lat|lon|lng|gps)\W{1,4}-?\d{1,3}\.\d{3,}"), "[place]"),
)
# Addresses, and whose are everybody's: where the web UI, its packages and their manuals come from.
_URL = re.compile(
    r"(?i)\b((?:https?|wss?|s?ftps?|git|ssh)://)([^\s/:?#\"'<>()\[\]]+|\[[0-9a-f:.]+\])([^\s\"'<>]*)"
)
_PUBLIC_HOST = re.compile(
    r"(?i)localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|github|huggingface|(?:[\w-]+\.)*(?:github\.(?:com|io)"
    r"|githubusercontent\.com|gitlab\.com|gitee\.com|huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.cn"
    r"|civitai\.com|pytorch\.org|python\.org|nvidia\.com|amd\.com|intel\.com"
    r"|microsoft\.com|windows\.com|aka\.ms|apple\.com|git-scm\.com|astral\.sh|gradio\.app|readthedocs\.io"
    r"|readthedocs\.org|openaipublic\.azureedge\.net|nju\.edu\.cn|tsinghua\.edu\.cn"
    r"|aliyun\.com|ubuntu\.com|debian\.org|numpy\.org|pydantic\.dev|stackoverflow\.com|curl\.se|ietf\.org|w3\.org)"
)
# What somebody fetches from these is their affair, but for what the web UI itself fetches.
_MODEL_HOST = re.compile(r"(?i)(?:[\w-]+\.)*(?:huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.cn|civitai\.com)")
_PUBLIC_MODEL = re.compile(
    r"(?i)(?:/api/models)?/(?:AI-ModelScope|comfyanonymous|CompVis|facebook|google|laion|lllyasviel|madebyollin"
    r"|openai|runwayml|stabilityai|stable-diffusion-v1-5|bert-base-uncased|None|docs|settings|join)(?:/|$)|/models/?$"
)
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)")
_DASHED = re.compile(r"(?i)\b(?:ip|host|dyn\w*|pool|p|cpe|adsl|dsl)-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}\b[\w.-]*")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:::ffff:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8})(?:%\w+)?(?![\w:])"
)
# What stands before four numbers that are a version: foo==1.2.3.4, v1.2.3.4, driver 1.2.3.4, foo-1.2.3.4
_VERSION_BEFORE = re.compile(
    r"(?i)(?:[=~<>!]=|[<>]|\bv|[\w\])][-_+]|\bver(?:sion|\.)?s?\W{0,4}|\b(?:release|build|driver"
    r"|driverversion|cuda|cudnn|cublas|torch"
    r"|torchvision|xformers|pip|python|git|uv|rocm|hip|vbios|bios|firmware|wheel|package|requires|needs"
    r"|installed|have|found"
    r"|windows|kernel|runtime|redistributable|toolkit|wsl)\W{1,3}|[a-z][\w-]*(?:_|-)[\w-]*\s+|[a-z][\w.-]* \()$"
)
_LISTED = re.compile(r"\s*[A-Za-z][\w.-]*\s+(?:\d{1,3}\.){3}\d{1,3}\s*(?:pypi.*)?")
_ADDRESS_BEFORE = re.compile(
    r"(?i)(?:\b(?:ip|ipv4|address|addr|host|peer|client|server|gateway|dns|nameserver|from|to|at|via|ping"
    r"|pinging|remote)\W{1,4}|//|@)$"
)

_PICTURE_WORDS = re.compile(
    r"(?i)(?:neg(?:ative)?[ _]?)?prompts?[\"'\])]*\s*(?:[:=]|\[\])\s*(?![\d.]+s\b)\S|\bnegative prompt\b"
    r"|\bSteps: \d+, |<(?:lora|lyco|hypernet|wildcard)s?:[^>]*"
    r"|\bsampler:|\btextual inversion embeddings? (?:loaded|skipped)|\b(?:lora|lycoris|hypernetwork"
    r"|embedding|vae|checkpoint|style|wildcard)s?\b"
    r"[^\n]{0,40}\b(?:named?|called|not found|selected|switch(?:ed|ing)?)\b|\bsd_model_(?:checkpoint|hash)\b"
    r"|\bsd_checkpoint\b|\bsd_vae\b|\bstyles?[\"']?\s*[:=]"
    r"|\bparameters[\"']?\s*[:=]|\binfotext|\bcaption[\"']?\s*[:=]|\binterrogat\w+[^\n]*:"
    r"|\barg(?:ument)?s[\"']?\s*[:=]\s*[\[(]|[\[(, ][\"'](?:Euler|DPM|DDIM|LMS|Heun|UniPC|PLMS|Restart|LCM)\b"
    r"|(?<![\\/\w\"'-])(?<!import )(?:loras?|lycoris|locon|loha|hypernetworks?)(?![\\/\w-]|: done)"
    r"|\bcheckpoints?\b[^:\n]{0,20}:\s*\S|\bcontrol ?net\b[^\n]*\bmodel\b"
    r"|\bprompt executed\b(?! in )|/file="
    r"|\bcouldn't find (?:lora|vae|network|checkpoint)"
    r"|\bnetworks? (?:with )?(?:not found|errors?)|\bwildcards?\b|\bjob[\"']?\s*[:=]\s*[\"']"
    r"|\b(?:loading|loaded) (?:lora|network|embedding|hypernetwork|style)\b"
)
_FILES = re.compile(
    r"(?i)\.(?:safetensors|ckpt|pth?|gguf|onnx|png|jpe?g|webp|gif|bmp|tiff?|mp4|webm|pdf|docx?|xlsx?|odt|csv"
    r"|zip|rar|7z|bin|vae\.pt)(?![\w])"
)
_WHOLE_NAME = re.compile(r"(?i)[^\\/\s\"'<>|:*?,()\[\]=]+$")
_MESSAGE = re.compile(
    r"^\s*$|^\d{4}-\d\d-\d\d |Traceback|^\s+File \"|Error\b|^\s*(?:INFO|WARNING|DEBUG|ERROR|CRITICAL)\b"
    r"|^\*?[A-Z][^:]{0,40}(?:\.\.\.|:)|%\||^\[|^Loading|^Launching|^Running|^Startup"
)
_BEFORE_A_PROMPT = 12  # lines; a prompt has several


def hide_addresses(line: str) -> str:
    """A line of a log without addresses that are not everybody's: of somebody's server, of a shared file."""
    return _URL.sub(_url, line)


def _url(found: re.Match[str]) -> str:
    scheme, host, rest = found.groups()
    if not _PUBLIC_HOST.fullmatch(host):
        return f"{scheme}{_ADDRESS}"
    if _MODEL_HOST.fullmatch(host) and rest.strip("/") and not _PUBLIC_MODEL.match(rest):
        return f"{scheme}{host}/[...]"
    return found[0]


def hide_numbers(text: str) -> str:
    """The text without numbers and names of people, computers and networks."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    text = _DASHED.sub(_ADDRESS, text)
    text = _IPV6.sub(_ipv6, text)
    return _IPV4.sub(_ipv4, text)


def tells_of_pictures(lines: Sequence[str], public: Iterable[str] = ()) -> list[bool]:
    """Which lines of a log tell what somebody made or with which models: these are left out whole."""
    known = {name.lower() for name in public}
    told = [bool(_PICTURE_WORDS.search(line)) or _own_file(line, known) for line in lines]
    for at, line in enumerate(lines):
        # Parameters are printed below a prompt, which is lines of free text.
        if re.match(r"(?i)\s*(?:negative prompt:|steps: \d+, )", line):
            for before in range(at - 1, max(-1, at - 1 - _BEFORE_A_PROMPT), -1):
                if _MESSAGE.search(lines[before]) and not told[before]:
                    break
                told[before] = True
        # A negative prompt may go on, down to the parameters.
        if re.match(r"(?i)\s*negative prompt:", line):
            for after in range(at + 1, min(len(lines), at + 1 + _BEFORE_A_PROMPT)):
                if re.match(r"(?i)\s*steps: \d+, ", lines[after]):
                    for between in range(at, after):
                        told[between] = True
                    break
    return told


def _own_file(line: str, known: set[str]) -> bool:
    """Whether a model, picture or document is named in it that is not in a path: how much of the line is its
    name cannot be told then."""
    for found in _FILES.finditer(line):
        before = _WHOLE_NAME.search(line[: found.start()])
        name = (before[0] if before else "") + found[0]
        start = found.start() - len(before[0] if before else "")
        if name.lower() in known or name.lower() == "pytorch_model.bin":
            continue
        if not before and line[: found.start()].endswith(("*", ".", " ", "(", '"', "'", "`")) and name == found[0]:
            continue  # only an ending: "a .safetensors is safer"
        if re.search(r"(?i)(?:[a-z]:[\\/]|(?<![\w.])[\\/~]|https?://|\.{1,2}[\\/])[^\"'<>|*?]*$", line[:start]):
            continue  # the end of a path, which is cut as one
        return True
    return False


def _ipv6(found: re.Match[str]) -> str:
    said = found[0]
    try:
        address = ipaddress.IPv6Address(said.partition("%")[0])
    except ValueError:
        return said
    groups = [group for group in said.partition("%")[0].split(":") if group]
    if address.is_loopback or address.is_unspecified:
        return said
    short = len(groups) <= 2 and all(len(group) < 3 for group in groups)  # "a::b" is a name in a program
    return said if short else _ADDRESS


def _ipv4(found: re.Match[str]) -> str:
    numbers = [int(part) for part in found.groups()]
    if any(number > 255 for number in numbers) or numbers[0] in (0, 127):
        return found[0]
    text, start = found.string, found.start()
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : len(text) if line_end < 0 else line_end]
    before = text[max(line_start, start - 40) : start]
    if _ADDRESS_BEFORE.search(before) or re.match(r":\d|/\d", text[found.end() : found.end() + 2]):
        return _ADDRESS
    private = (
        ipaddress.IPv4Address(found[0]).is_private
        if all(not p.startswith("0") or p == "0" for p in found.groups())
        else False
    )
    if _VERSION_BEFORE.search(before) or (_LISTED.fullmatch(line) and not private):
        return found[0]
    return _ADDRESS
