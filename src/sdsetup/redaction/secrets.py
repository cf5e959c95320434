"""Secrets in a text: passwords, tokens, keys, cookies, signatures, addresses that let strangers in.

Used for everything that is written down: our logs, the web UI's, the journal, and reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

HIDDEN = "[secret]"


def words(text: str) -> frozenset[str]:
    """A set of words, written as a paragraph."""
    return frozenset(text.split())


_SHORTEST = 4  # a shorter value stands inside too many words

# Forms that are secret wherever they stand, by the prefixes their makers gave them.
_KNOWN_FORMS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    # Ours and their functions are named alike (hf_hub_download): a token has no second underscore.
    r"(?:hf|api_org|gh[pousr]|npm|r8|gsk|figd|hvs|shpat)_(?:(?=[A-Za-z]*[A-Z0-9])[A-Za-z0-9]{8,}"
    r"|[a-z]{16,})(?![A-Za-z0-9_])"
    r"|(?:github_pat|dop_v1|sk_live|pk_live|rk_live|sk_test|whsec|dckr_pat|lsv2_pt)_[A-Za-z0-9_]{8,}"
    r"|(?:glpat|gldt|glrt|pypi|xai|nvapi|tvly|pplx|sq0atp|tskey)-[A-Za-z0-9_-]{8,}"
    r"|sk-[A-Za-z0-9_-]{8,}|xox[abeoprs]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}"
    r"|(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{8,}"
    r"|1//0[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{8,}"
    r"|SG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|eyJ[A-Za-z0-9_=-]{4,}\.[A-Za-z0-9_=-]{4,}(?:\.[A-Za-z0-9_=-]*)*"  # JSON Web Tokens
    r"|\d{8,10}:AA[A-Za-z0-9_-]{30,}"  # Telegram
    r"|[0-9A-Za-z]{26,28}_[0-9A-Za-z]{20,22}(?![0-9A-Za-z])"  # ngrok
    r"|[MNO][A-Za-z0-9_-]{23,}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"  # Discord
    r"|[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![A-Z0-9-])"  # product keys
    r")"
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_HOOKS = re.compile(
    r"(?i)(https?://(?:[\w.-]+\.)?(?:discord(?:app)?\.com/api/webhooks|hooks\.slack\.com|api\.telegram\.org"
    r"|[\w-]+\.webhook\.office\.com)/)[^\s\"'<>]*"
)
# A page of this PC that anybody with the address can use.
_SHARES = re.compile(
    r"(?i)(?<![\w.-])(?:[a-z]+://)?(?:[a-z0-9-]+\.)+(?:gradio\.(?:live|app)|ngrok(?:-free)?\.(?:io|app|dev)"
    r"|trycloudflare\.com"
    r"|loca\.lt|remote\.moe|serveousercontent\.com|localto\.net|localhost\.run|lhr\.(?:life|rocks)|serveo\.net"
    r"|bore\.pub|pinggy\.(?:link|io|online)|ts\.net"
    r"|localtonet\.com|telebit\.(?:io|cloud)|devtunnels\.ms|githubpreview\.dev|app\.github\.dev|zrok\.io"
    r"|tunnelmole\.net"
    r"|proxy\.runpod\.net|googleusercontent\.com|cfargotunnel\.com|duckdns\.org|dyndns\.org|no-ip\.(?:org"
    r"|com)|ddns\.net)"
    r"(?![\w-])(?::\d+)?(?:/[^\s\"'<>]*)?"
)
_HEADER = re.compile(
    r"(?i)((?:proxy-)?authorization|(?:set-)?cookie2?|x-(?:api|auth|csrf|amz-security|goog-api|access)[\w-]*"
    r"|www-authenticate)"
    r"(\\*[\"']?\s*[:=,]\s*)(\\*[\"'])?([^\r\n]*)"
)
_BEARER = re.compile(
    r"(?i)\b(bearer|basic|digest|negotiate|ntlm)(\s+)(?=[^\s\"',;]*[0-9A-Z+/=_.-])[A-Za-z0-9+/=._~-]{8,}"
)
# Names and passwords in addresses; with a slash in a password the part before it is no port.
_USER = re.compile(r"(?i)(?<=://)(?:[^\s/\"'<>?#]*@|[^\s/:@\"'<>]+:(?!\d+(?:/|\b))[^\s\"'<>]*@)")
_QUERY = re.compile(r"(?i)((?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>?#]*)([?#][^\s\"'<>]*=[^\s\"'<>]*)")
_BARE_QUERY = re.compile(
    r"(?i)([?&;](?:sig|signature|token|key|code|state|auth|sv|se|sp|x-[\w-]+|access_token|api_?key)=)[^\s&\"'<>]+"
)
_SET = re.compile(r"(?i)\b(setx?(?:\s+/m)?\s+|setenv\s+)([\w.]+)(\s+)([^=\s][^\r\n]*)")
_SPOKEN = re.compile(r"(?i)\b((?:token|password|passwort|secret|key|pin|code) (?:is|was|ist|war):?\s+)\S*\d\S*")
_CURL = re.compile(r"(?i)(\s(?:-u|--user|--proxy-user|-U)[= ]\s*)([\"']?)[^\s\"']+:[^\s\"']*\2")
# Programs that take a password without a name for it.
_GIVEN = re.compile(
    r"(?i)\b(net\s+use\b|sshpass\s+-p|(?:plink|pscp|psftp|putty)\b[^\r\n]*?\s-pw\s"
    r"|(?:mysql\w*|mariadb\w*)\b[^\r\n]*?\s-p(?=\S)|(?:smbclient|winexe|rpcclient)\b[^\r\n]*?\s-U)[^\r\n]*"
)
# The name is two words, or only a blank stands between it and the value; the value has a digit, as words do not.
_SAID = re.compile(
    r"(?i)\b((?:(?:api|access|licen[cs]e|product|private|secret|account|auth|activation|recovery|encryption|master"
    r"|registration|security)[ -]?keys?|(?:2fa|otp|tan|verification|security|confirmation|one[- ]time|recovery"
    r"|backup|sms)[ -](?:code|password))(?:[\"']?\s*[:=]\s*|\s+(?:(?:is|was)\s+)?)[\"']?)"
    r"(?=[^\s\"',;:]*\d)[^\s\"',;:]+"
)
_PIN = re.compile(r"(?i)\b(pin[\"']?\s*[:=]\s*[\"']?)\d{4,8}\b")
_AFTER_A_BLANK = re.compile(
    r"(?i)\b((?:auth[-_ ]?|access[-_ ]?|bearer[-_ ]?)?"
    r"(?:token|secret|password|passwd|passwort|passphrase|kennwort)\s+)"
    r"(?=[^\s\d]*\d)(?=[^\sa-z]*[a-z])(?!v?\d+\.)[\w+/=.~-]{8,}(?![\w(])"
)
_ABROAD = re.compile(
    r"(?i)((?<!\w)(?:senha|contraseña|mot de passe|mdp|hasło|heslo|jelszó|şifre|lozinka|wachtwoord|lösenord"
    r"|adgangskode|salasana|parolă|parola|mật khẩu|密码|密碼|口令|パスワード|비밀번호)[\"']?\s*[:=：]\s*)[^\r\n]+"
)
_RUSSIAN = re.compile(r"(?i)(?<!\w)((?:пароль|токен|ключ|код)\s+)(?=[^\s]*\d)[^\s\"',;]{4,}")
# `Token(value='...')`, as Python shows an object.
_SHOWN = re.compile(r"(?i)\b(\w*(?:token|secret|password|credential)s?\((?:\w+=)?[\"'])[^\"'\r\n]+")
_PUBLIC_KEY = re.compile(r"\b((?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) )AAAA[^\r\n]*")
_NETRC = re.compile(r"(?i)\b(machine\s+\S+\s+login\s+)\S+(\s+password\s+)\S+")

# `name = value`, `"name": "value"`, `--name value`, `'--name', 'value'`, in escaped quotes, too.
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_])(?P<name>-{0,2}_{0,2}[^\W\d_](?:[\w.-]{0,60}\w)?)"
    r"(?P<gap>\\*[\"']?\s*(?:=>|:=|[:=])\s*|\\*[\"']?\s*,\s*(?=\\*[\"'])|\\*[\"']?\]\s*=\s*|[ \t]+"
    r"|\\*[\"']\s+|>)(?=\S)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_SECRET_WORDS = words(
    """
    pass token tokens secret secrets password passwords passwd passwort kennwort pwd passphrase apikey auth
    authtoken credential credentials signature sig cookie cookies jwt bearer session sessionid csrf xsrf otp
    totp ngrok пароль ключ токен passcode pin psk pat login
    """
)
_SECRET_ENDS = (
    "sessionid",
    "sessid",
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "passphrase",
    "accountkey",
    "accesskey",
)
# A variable of a service, such as OPENAI_KEY.
_KEY_VARIABLE = re.compile(r"(?!HKEY)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_KEYS?")
_KEY_KINDS = words(
    """
    api access private secret account ssh license encryption auth signing master storage hub hf
    """
)
_HARMLESS_NAMES = re.compile(
    r"(?i)(?:.*(?:error|exception|warning|izer|length|count|limit|path|file|type|url|uri|version|merges?"
    r"|embeddings?)s?"
    r"|(?:max|min|num|n|pad|eos|bos|unk|special|added)_\w*tokens?(?:_ids?)?|tokens?_(?:ids?|to|per"
    r"|count)\w*|logins?|sessions?|ngrok|pin|pat)"
)
_HARMLESS_VALUE = re.compile(
    r"(?i)(?:none|null|true|false|undefined|nil|\*+|\[secret\]|not set|unset|missing|\.\.\.)?[\"'\\,;)}\]]*"
)


def secret_name(name: str) -> bool:
    """Whether what is called so is nobody's business: HF_TOKEN, --gradio-auth, civitaiApiKey, пароль."""
    bare = name.lstrip("-")
    words = [word.lower() for word in _WORD.findall(bare)]
    option = name.startswith("--")
    if _HARMLESS_NAMES.fullmatch(bare) and not (option and bare.startswith(("ngrok", "gradio-auth"))):
        return False
    if _SECRET_WORDS & set(words) or "".join(words[-2:]).endswith(_SECRET_ENDS):
        return True
    if _KEY_VARIABLE.fullmatch(bare):
        return True
    return words[-1:] in (["key"], ["keys"]) and bool(_KEY_KINDS & set(words))


def hide_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text without secrets; `known`: values that are secret here, in any spelling of addresses and JSON."""
    for value in _spellings(known):
        text = text.replace(value, HIDDEN)
    text = _KEY_BLOCK.sub(HIDDEN, text)
    text = _HOOKS.sub(rf"\1{HIDDEN}", text)
    text = _SHARES.sub("[share link]", text)
    text = _USER.sub("", text)
    text = _QUERY.sub(rf"\1?{HIDDEN}", text)
    text = _BARE_QUERY.sub(rf"\1{HIDDEN}", text)
    text = _KNOWN_FORMS.sub(HIDDEN, text)
    text = _HEADER.sub(_header, text)
    text = _BEARER.sub(rf"\1\2{HIDDEN}", text)
    text = _SET.sub(_set, text)
    text = _SPOKEN.sub(rf"\1{HIDDEN}", text)
    text = _CURL.sub(rf"\1{HIDDEN}", text)
    text = _GIVEN.sub(rf"\1 {HIDDEN}", text)
    text = _SAID.sub(rf"\1{HIDDEN}", text)
    text = _PIN.sub(rf"\1{HIDDEN}", text)
    text = _AFTER_A_BLANK.sub(rf"\1{HIDDEN}", text)
    text = _ABROAD.sub(rf"\1{HIDDEN}", text)
    text = _RUSSIAN.sub(rf"\1{HIDDEN}", text)
    text = _SHOWN.sub(rf"\1{HIDDEN}", text)
    text = _PUBLIC_KEY.sub(rf"\1{HIDDEN}", text)
    text = _NETRC.sub(rf"\1{HIDDEN}\2{HIDDEN}", text)
    return "\n".join(_named(line) for line in text.split("\n"))


_FOLDERS = ("PWD", "OLDPWD")  # a shell's current and last folder


def known_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """Values of variables whose names say that they are secret, and what stands before the @ of addresses."""
    found = set()
    for name, value in env.items():
        if secret_name(name) and name not in _FOLDERS:
            found.add(value.strip())
        if user := re.match(r"[a-zA-Z][\w+.-]*://([^/\s]*)@", value):
            found |= {user[1], user[1].partition(":")[2]}
    return tuple(value for value in found if len(value) > _SHORTEST and not value.isdigit())


def _spellings(known: Iterable[str]) -> list[str]:
    found = set()
    for value in known:
        if len(value) < _SHORTEST:
            continue
        found |= {value, quote(value), quote(value, safe=""), value.replace("\\", "\\\\").replace('"', '\\"')}
    return sorted(found, key=len, reverse=True)


def _set(found: re.Match[str]) -> str:
    """`setx NAME value` has no sign between the two."""
    return f"{found[1]}{found[2]}{found[3]}{HIDDEN}" if secret_name(found[2]) else found[0]


def _header(found: re.Match[str]) -> str:
    """A header's value, to the end of the line; inside quotes, to their end."""
    name, gap, mark, rest = found.groups()
    if mark is None:
        return f"{name}{gap}{HIDDEN}" if not _HARMLESS_VALUE.fullmatch(rest.strip()) else found[0]
    _, end, after = rest.partition(mark)
    return f"{name}{gap}{mark}{HIDDEN}{end}{after}"


def _named(line: str) -> str:
    """A line without the values of what has a secret name."""
    at = 0
    said = []
    while found := _NAMED.search(line, at):
        name, gap = found["name"], found["gap"]
        spoken = not gap.strip(" \t\\\"'")  # only blanks between: `--token x`, but also "token expired"
        if not secret_name(name) or (spoken and not name.startswith("--")):
            at_next = found.end("name")
            said.append(line[at:at_next])
            at = at_next
            continue
        rest = line[found.end() :]
        if spoken and rest.startswith("-"):  # an option without a value
            said.append(line[at : found.end("name")])
            at = found.end("name")
            continue
        whole = ": " in gap or gap == ":" or line.lstrip().lower().startswith("set ")
        end = found.end() + _value_length(rest, whole=whole)
        value = line[found.end() : end]
        said.append(line[at : found.end()])
        said.append(value if _HARMLESS_VALUE.fullmatch(value.strip()) or _only_counted(name, value) else HIDDEN)
        at = end
    return "".join(said) + line[at:]


def _only_counted(name: str, value: str) -> bool:
    return bool(re.search(r"(?i)tokens?$", name)) and bool(re.fullmatch(r"\d{1,5}[,;)}\]]*", value.strip()))


def _value_length(rest: str, *, whole: bool) -> int:
    """How many letters of a line are the value: what stands in quotes or brackets, else up to a blank; after a
    colon a pass phrase may have blanks, so there it is the rest of the line."""
    if mark := re.match(r"\\*[\"']", rest):
        end = rest.find(mark[0], mark.end())
        return len(rest) if end < 0 else end + len(mark[0])
    if rest[0] in "[({":
        return len(rest)
    if whole:
        return len(rest)
    blank = re.search(r"[\s&<]|\\n", rest)
    return blank.start() if blank and blank.start() else len(rest)


def without_secrets(value: Any) -> Any:
    """A JSON value as it may be stored: no secret in any text."""
    if isinstance(value, str):
        return hide_secrets(value)
    if isinstance(value, (list, tuple)):
        return [without_secrets(part) for part in value]
    if isinstance(value, Mapping):
        return {key: without_secrets(part) for key, part in value.items()}
    return value
