"""Paths without what people call their folders and files.

The shape stays: as many letters, blanks where blanks were, letters outside ASCII and signs that scripts stumble
over, so that a helper's doctor judges the path as this one did.
"""

from __future__ import annotations

import re
from collections.abc import Container

from sdsetup.redaction.secrets import words

PLAIN, FOREIGN = "user", "usér"

_ROOT = re.compile(
    r"(?P<windows>(?:[\\/]{2,4}[?.][\\/]+(?:UNC[\\/]+)?)?(?<![A-Za-z0-9])[A-Za-z]:[\\/]+(?![\\/]))"
    r"|(?P<unc>(?<![\w\\/:.-])(?:\\\\|\\\\\\\\|//)(?=(?:[\w$.-]+|\[\w+\])[\\/]))"
    r"|(?P<file>file:/+(?:[A-Za-z]:/+)?)"
    r"|(?P<home>(?<![\w.~-])~[\w.-]*[\\/]+)"
    r"|(?P<variable>%[A-Za-z]\w*%[\\/]+|\$(?:HOME|\{HOME\}|env:\w+)[\\/]+)"
    r"|(?P<relative>(?<![\w\\/.-])(?:\.{1,2}[\\/]+)+(?=[^\s\\/]))"
    r"|(?P<posix>(?<![\w/\\~.<-])/(?=[^\s/\\,;)\]}>]+/|(?:home|Users|media|mnt|root|srv|Volumes)\b))"
)
_SEPARATOR = re.compile(r"[\\/]+")
# A name between two separators may hold blanks.
_BETWEEN = re.compile(r"[^\\/:*?\"<>|\r\n\t]*(?=[\\/])")
# The last one ends at a blank, unless a few words later an ending shows that it was longer.
_LAST = re.compile(
    r"[^\\/:*?\"<>|\r\n\t ]*(?:(?: [^\\/:*?\"<>|\r\n\t ]*){0,8}?\.[A-Za-z][A-Za-z0-9]{0,10}(?![\w.]))?"
)
_END = re.compile(r"\.[A-Za-z0-9]{1,11}$")
_STUMBLES = re.compile(r"[^\w\s.~-]", re.ASCII)
_TRIMMED = ".,;)]}'`"

# Folders in which people's own folders lie.
_HOLDS_PEOPLE = frozenset(("users", "home", "media", "documents and settings", "volumes"))
_NOBODY = frozenset(("public", "default", "all users", "default user", "shared", PLAIN, FOREIGN))
_USUAL = words(
    """
    users home media mnt run volumes opt usr var tmp temp etc lib lib32 lib64 bin sbin local share dev proc
    sys root srv snap private applications library windows winnt system32 syswow64 winsxs programdata
    appdata roaming locallow programs python scripts site-packages dist-packages venv .venv env envs
    stable-diffusion-webui sd sd-webui sd.webui webui stable-diffusion stable_diffusion ai models lora vae
    embeddings extensions extensions-builtin outputs output repositories modules configs config desktop
    documents downloads pictures videos music onedrive dropbox cache .cache .local .config pip uv git cmd
    mingw64 mingw32 conda anaconda anaconda3 miniconda miniconda3 miniforge3 mambaforge pyenv .pyenv
    pyenv-win versions shims windowsapps microsoft nvidia amd intel cuda rocm include src huggingface hub
    snapshots blobs refs torch triton inductor logs log .sdsetup sdsetup undo backup backups data interfaces
    wsl.localhost wsl$ ubuntu debian esrgan gfpgan codeformer realesrgan swinir deepbooru karlo openclip
    blip k-diffusion generative-models stable-diffusion-stability-ai stable-diffusion-webui-assets
    txt2img-images img2img-images txt2img-grids img2img-grids extras-images save hypernetworks
    textual_inversion localizations html javascript webui-user.bat webui-user.sh webui.bat webui.sh webui.py
    launch.py config.json ui-config.json styles.csv requirements.txt requirements_versions.txt git.exe
    python.exe pythonw.exe python3.exe nvidia-smi nvidia-smi.exe cmd.exe uv.exe py.exe powershell.exe
    pip.exe sh bash zsh pyvenv.cfg settings.json pip.ini pip.conf .gitconfig sdsetup.bat sdsetup.sh
    framework frameworks contents macos resources current dri kfd nvidiactl null shm meminfo cpuinfo fonts
    system program drivers driverstore filerepository homebrew cellar github codex git-core icloud
    """
) | {
    "program files",
    "program files (x86)",
    "documents and settings",
    "nvidia corporation",
    "nvidia gpu computing toolkit",
}
_USUAL_FORMS = re.compile(
    r"(?i)(?:[a-z]|\.{1,2}|python[\d._-]*(?:\.exe)?|pythoncore[\w.-]*|cpython-[\w.+-]*|v?\d+(?:\.\d+)*|\d{4}-\d\d-\d\d|"
    r"progra~[1-3]|docume~1|lib[\w+-]*\.(?:so[\d.]*|dylib)|[0-9a-f]{40}|[0-9a-f]{64}|"
    r"\[.*\]|pythonsoftwarefoundation[\w.]*|webui-\d{8}-\d{6}[\w-]*\.log|stable-diffusion-webui[-_][\w.-]*|"
    r"models--[\w.-]+|cuda-?[\d.]*|rocm-?[\d.]*)"
)
# Below these everything is a package's own, and what a helper has to know.
_PUBLIC_BELOW = re.compile(
    r"(?i)(?:site-packages|configs|dist-packages|system32|syswow64|repositories|modules|extensions-builtin|extensions|python3?[\d.]*"
    r"|nvidia|nvidia corporation|lib|usr|etc|proc|sys|dev|bin|driverstore|winsxs)"
)
_NEVER_PUBLIC = re.compile(r"(?i)(?:models|outputs?|embeddings|lora|log|input|images)")
# Addresses of the web UI's own interface look like paths.
_ROUTES = re.compile(
    r"(?i)(?:sdapi|api|file=.*|internal|docs|queue|login|app_id|static|assets|theme|openapi|v1|simple|whl|_next)"
)


def redact_paths(text: str, *, log: bool, public: Container[str] = ()) -> str:
    """The text with every absolute path without names of people's own. In a `log`, what stands behind a path
    whose end cannot be told is left out. `public`: names of files, in small letters, that stay."""
    at = 0
    said: list[str] = []
    while found := _ROOT.search(text, at):
        said.append(text[at : found.start()])
        path, end, sure = _path(text, found, public)
        said.append(path)
        at = end
        if log and not sure:
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            if text[at:stop].strip(" .!") and text[at : at + 1] in (" ",):
                said.append(" [...]")
                at = stop
    return "".join(said) + text[at:]


def said_place(path: str) -> str:
    """A whole path as it may be said."""
    root = _ROOT.match(path)
    if root is not None:
        return _path(f'"{path}"', _ROOT.search(f'"{path}"') or root)[0]
    slash = path[: len(path) - len(path.lstrip("\\/"))]
    return slash + "/".join(_said([], part, "")[0] for part in path[len(slash) :].split("/"))


def own_parts(path: str) -> list[str]:
    """The names in a path that are nobody's but the user's, where they are long enough to be known again."""
    parts = _SEPARATOR.split(path)
    return [
        part
        for part in parts
        if len(part) > 3
        and part.lower() not in _USUAL
        and not _USUAL_FORMS.fullmatch(part)
        and part.lower() not in _NOBODY
    ]


def _path(text: str, root: re.Match[str], public: Container[str] = ()) -> tuple[str, int, bool]:
    """The path that begins with `root` as it may be said, where it ends, and whether that is sure."""
    kind = root.lastgroup or ""
    before = text[root.start() - 1 : root.start()]
    limit = len(text)
    quoted = bool(before) and before in "\"'`"
    if quoted and (end := text.find(before, root.end())) >= 0:
        limit = min(limit, end)
    if (end := text.find("\n", root.end())) >= 0:
        limit = min(limit, end)
    if quoted and limit and text[limit : limit + 1] != before:
        quoted = False
    head = root[0]
    if kind == "home" and len(head.rstrip("\\/")) > 1:
        head = "~" + PLAIN + head[len(head.rstrip("\\/")) :]
    parts: list[tuple[str, str]] = []  # name, separator behind it
    at = root.end()
    while at < limit:
        match = _BETWEEN.match(text, at, limit)
        if match is None:
            break
        separator = _SEPARATOR.match(text, match.end(), limit)
        assert separator is not None
        parts.append((match[0], separator[0]))
        at = separator.end()
    last = text[at:limit] if quoted else (_LAST.match(text, at, limit) or [""])[0]
    if not quoted:
        last = last.rstrip(_TRIMMED) if not last.endswith("~1)") else last
    if kind == "posix" and parts and _ROUTES.fullmatch(parts[0][0]):
        return text[root.start() : root.end()], root.end(), True
    said, known = _said(parts, last, kind, public)
    return head + said, at + len(last), quoted or known or not last or kind == "relative"


def _said(parts: list[tuple[str, str]], last: str, kind: str, everybodys: Container[str] = ()) -> tuple[str, bool]:
    """The names as they may be said, and whether the last one was among the usual ones or had an ending."""
    names = [name for name, _ in parts] + [last]
    said = []
    public = False
    known = True
    for position, name in enumerate(names):
        before = names[position - 1].lower() if position else ""
        is_last = position == len(names) - 1
        personal = before in _HOLDS_PEOPLE
        if kind == "unc" and position < 2 and not name.lower().startswith("wsl"):
            said.append("server" if position == 0 else _shape(name, "share"))
            known = True
        elif personal and name:
            known = name.lower() in _NOBODY
            said.append(name if known else PLAIN if name.isascii() else FOREIGN)
        elif (
            not name
            or name.lower() in _USUAL
            or name.lower() in everybodys
            or _USUAL_FORMS.fullmatch(name)
            or (public and _public(name))
        ):
            said.append(name)
            known = True
        elif name.lower().startswith("onedrive"):
            said.append("OneDrive")
            known = True
        else:
            ending = _END.search(name) if is_last else None
            stem = name[: ending.start()] if ending else name
            said.append(_shape(stem, "file" if ending else "folder") + (ending[0] if ending else ""))
            known = ending is not None
        if _PUBLIC_BELOW.fullmatch(name) and not personal:
            public = True
        if _NEVER_PUBLIC.fullmatch(name):
            public = False
    behind = [separator for _, separator in parts] + [""]
    return "".join(name + separator for name, separator in zip(said, behind, strict=True)), known


def _public(name: str) -> bool:
    """A name as packages and programs have them."""
    return name.isascii() and not re.search(
        r"(?i)\.(?:safetensors|ckpt|pth?|png|jpe?g|webp|gif|pdf|docx?|xlsx?)$", name
    )


def _shape(name: str, word: str) -> str:
    """A name of the same length that tells as much to a doctor."""
    if not name:
        return name
    said = list((word * (len(name) // len(word) + 1))[: len(name)])
    if not name.isascii():
        said[0] = "é" if len(said) == 1 else said[0]
        said[-1] = "é"
    if " " in name and len(said) > 2:
        said[len(said) // 2] = " "
    for at, sign in enumerate(dict.fromkeys(_STUMBLES.findall(name))):
        if sign.isascii() and at < len(said) - 1:
            said[at + 1 if at + 1 != len(said) // 2 else 0] = sign
    return "".join(said)
