#!/usr/bin/env python3
"""The catalogues of translations, from the source: python tools/translations.py COMMAND

    extract [FILE]    every message, as a template for a new language (to standard output without FILE)
    update LANG       brings src/sdsetup/locale/LANG up to the source, or begins it
    compile           makes the .mo files, which the program reads, and bootstrap/words from the .po files
    check [LANG...]   what is missing or wrong in a catalogue; exit code 1 where something is
    missing LANG [PLACE]  a .po of the messages without a translation; PLACE: only of files that begin so
    take LANG FILE    puts the translations of another .po, such as a filled-in `missing`, into the catalogue

Messages are the templates of `Text` and `message` in the source, what the starters `say`, the help of commands,
and the sentences of profiles that translations.toml names.
"""

from __future__ import annotations

import ast
import io
import re
import string
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import tomli
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sdsetup"
LOCALE = SOURCE / "locale"
RULES = tomli.loads((ROOT / "tools" / "translations.toml").read_text(encoding="utf-8"))
# The web UI of a practice run and what runs in the web UI's environment speak to programs only.
SILENT = ("rehearsal/webui/", "execute/steps/torch_probe_script.py")


@dataclass(frozen=True)
class Found:
    """A message and where it stands; `many` is its plural."""

    text: str
    where: str
    many: str | None = None
    comment: str | None = None


# Each `Text` that translators would never see, with its place.
UNSEEN: list[str] = []


# --- the source ---


def in_source() -> Iterator[Found]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(SILENT):
            yield from in_module(path, path.relative_to(ROOT).as_posix())
    yield from in_module(ROOT / "bootstrap" / "start.py", "bootstrap/start.py")


def in_starters() -> Iterator[Found]:
    """What sdsetup.bat and sdsetup.sh say before there is a Python."""
    for name in ("sdsetup.bat", "sdsetup.sh"):
        for sentence in re.findall(r'\bsay "([^"$]+)"', (ROOT / name).read_text(encoding="ascii")):
            yield Found(sentence, name)


def in_module(path: Path, where: str) -> Iterator[Found]:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    module = module_of(path)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called not in ("Text", "Text.plural", "message", *RULES["calls"]["makers"]) or not node.args:
            continue
        comment = _comment(lines, node.lineno)
        if called == "Text.plural":
            one, many = (module.strings(argument) for argument in node.args[:2])
            if one is None or many is None or len(one) != 1 or len(many) != 1:
                UNSEEN.append(f"{where}:{node.lineno}: {ast.unparse(node)}")
                continue
            yield Found(one[0], where, many[0], comment)
            continue
        said = module.strings(node.args[0])
        if said is None:
            expression = ast.unparse(node.args[0])
            # The template of another `Text` was seen there.
            if not expression.endswith(".template") and expression not in RULES["handed_on"]["expressions"]:
                UNSEEN.append(f"{where}:{node.lineno}: Text({expression}) is neither a literal nor handed on")
            continue
        for one in said:
            yield Found(one, where, None, comment)


def _comment(lines: list[str], number: int) -> str | None:
    """What a comment directly above says to translators."""
    found = re.match(r"\s*# Translators: (.*)", lines[number - 2]) if number > 1 else None
    return found[1] if found else None


@dataclass
class Module:
    """The constants of a module, to follow `Text(_AGAIN)` and `Text("Check it. " + _AGAIN)`."""

    tree: ast.Module
    constants: dict[str, ast.expr]
    imported: dict[str, tuple[Path, str]]

    def strings(self, node: ast.expr) -> list[str] | None:
        """Every text that an expression can be; None where that cannot be seen."""
        match node:
            case ast.Constant(value=str(value)):
                return [value]
            case ast.IfExp():
                return self._all(node.body, node.orelse)
            case ast.BinOp(op=ast.Add()):
                left, right = self.strings(node.left), self.strings(node.right)
                return None if left is None or right is None else [a + b for a in left for b in right]
            case ast.Name(id=name):
                return self._named(name)
            case ast.Subscript(value=ast.Name(id=name)) if isinstance(self.constants.get(name), ast.Dict):
                held = self.constants[name]
                assert isinstance(held, ast.Dict)
                return self._all(*held.values)
            case ast.Call(func=ast.Name(id="message")):
                return self.strings(node.args[0])
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[_, default]):
                table = self.constants.get(name)
                return self._all(*table.values, default) if isinstance(table, ast.Dict) else None
        return None

    def _named(self, name: str) -> list[str] | None:
        if name in self.constants:
            return self.strings(self.constants[name])
        if name in self.imported:
            path, inner = self.imported[name]
            return module_of(path)._named(inner)
        return None

    def _all(self, *nodes: ast.expr) -> list[str] | None:
        found = [self.strings(node) for node in nodes]
        return None if None in found else [text for one in found for text in one or ()]


@cache
def module_of(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants: dict[str, ast.expr] = {}
    imported = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            constants[node.target.id] = node.value
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sdsetup."):
            file = SOURCE.parent / (str(node.module).replace(".", "/") + ".py")
            if file.is_file():
                imported |= {alias.asname or alias.name: (file, alias.name) for alias in node.names}
    return Module(tree, constants, imported)


# --- the help of the commands ---


def in_help() -> Iterator[Found]:
    import typer

    from sdsetup.cli.app import COMMANDS, GROUPS, app
    from sdsetup.cli.examples import EXAMPLES
    from sdsetup.cli.language import helps_of, sentence_of

    for line in (*GROUPS, *COMMANDS.values()):
        yield Found(line, "sdsetup --help")
    for command, examples in EXAMPLES.items():
        for _, what in examples:
            yield Found(what, f"sdsetup {command} --help")
    group: Any = typer.main.get_command(app)
    waiting = [("sdsetup", group), *((f"sdsetup {name}", group.get_command(None, name)) for name in COMMANDS)]
    while waiting:
        called, command = waiting.pop(0)
        for owner, name in helps_of(command):
            yield Found(sentence_of(owner, name), f"{called} --help")
        waiting += [(f"{called} {name}", inner) for name, inner in getattr(command, "commands", {}).items()]


# --- the profiles ---


def in_profiles() -> Iterator[Found]:
    for path in sorted((ROOT / "profiles").rglob("*.toml")):
        name = path.relative_to(ROOT / "profiles")
        wanted = [
            place for pattern, places in RULES["profiles"].items() if name.match(pattern) for place in places
        ]
        if not wanted:
            continue
        places = [
            re.compile(re.escape(place).replace(r"\*", r"[^.]*").replace(r"\[\]", r"\[\]")) for place in wanted
        ]
        for place, text in _texts(tomli.loads(path.read_text(encoding="utf-8")), ""):
            if any(one.fullmatch(place) for one in places):
                yield Found(text, f"profiles/{name.as_posix()}")


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a profile with its place, in which a point of a key counts as a letter of it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = key.replace(".", "_")
            yield from _texts(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, f"{place}.[]")


# --- catalogues ---


def template() -> Catalog:
    """All messages of the source."""
    catalog = Catalog(project="sdsetup", fuzzy=False, charset="utf-8")
    UNSEEN.clear()
    for found in (*in_source(), *in_starters(), *in_help(), *in_profiles()):
        if not found.text.strip() or not re.search(r"[^\W_]", re.sub(r"\{[^}]*\}", "", found.text)):
            continue  # nothing but values and signs: "{mark} {text}"
        id = (found.text, found.many) if found.many else found.text
        catalog.add(id, locations=[(found.where, 0)], auto_comments=[found.comment] if found.comment else [])
    return catalog


def po_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "sdsetup.po"


def languages() -> list[str]:
    return sorted(path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/sdsetup.po"))


def read(language: str) -> Catalog:
    with po_of(language).open("rb") as file:
        return read_po(file, locale=language, domain="sdsetup")


def written(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    # No line numbers and no dates: they would change with every commit.
    write_po(
        out, catalog, width=110, include_lineno=False, ignore_obsolete=True, sort_output=False, omit_header=False
    )
    return re.sub(
        rb'"(Project-Id-Version|Language-Team|POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To'
        rb"|Last-Translator): .*\n",
        b"",
        out.getvalue(),
    )


def update(language: str) -> None:
    path = po_of(language)
    now = template()
    catalog = read(language) if path.exists() else Catalog(locale=language, project="sdsetup", fuzzy=False)
    catalog.header_comment = f"# sdsetup, {catalog.locale.english_name if catalog.locale else language}."
    catalog.update(now)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written(catalog))


def compiled(language: str) -> bytes:
    catalog, out = read(language), io.BytesIO()
    # A catalogue without dates would be given the present one.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=timezone.utc)
    write_mo(out, catalog)
    return out.getvalue()


def words(language: str) -> dict[Path, bytes]:
    """The starters' sentences for each code page of a console: cmd and sh read no catalogue."""
    catalog = read(language)
    said = {found.text: catalog.get(found.text) for found in in_starters()}
    lines = [f"{text}={known.string}\n" for text, known in said.items() if known and known.string]
    return {
        ROOT / "bootstrap" / "words" / f"{language}.{page}.txt": "".join(lines).encode(encoding)
        for page, encoding in RULES["consoles"].get(language, {}).items()
    }


def is_stale(language: str) -> bool:
    """Whether the program and its starters read something else than what translators wrote."""
    made = po_of(language).with_suffix(".mo")
    if not made.exists() or _content(made.read_bytes()) != _content(compiled(language)):
        return True
    return any(not path.exists() or path.read_bytes() != lines for path, lines in words(language).items())


def _content(made: bytes) -> dict[Any, Any]:
    """The messages without the header, which names the version of the library."""
    return {
        tuple(_forms(message.id)): tuple(_forms(message.string))
        for message in read_mo(io.BytesIO(made))
        if message.id
    }


def compile_all() -> None:
    for language in languages():
        po_of(language).with_suffix(".mo").write_bytes(compiled(language))
        for path, lines in words(language).items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(lines)


def missing(language: str) -> Iterator[Message]:
    """Messages of the source without a translation that holds."""
    catalog = read(language)
    for message in template():
        if not message.id:
            continue
        known = catalog.get(message.id if isinstance(message.id, str) else message.id[0])
        if known is None or known.fuzzy or not all(_forms(known.string)):
            yield message


def part(language: str, place: str) -> Catalog:
    """What is missing in the files whose names begin with `place`."""
    catalog = Catalog(locale=language, project="sdsetup", fuzzy=False)
    for message in missing(language):
        if any(where.startswith(place) for where, _ in message.locations):
            catalog[message.id] = message
    return catalog


def take(language: str, file: Path) -> None:
    """Translations from another catalogue; what is not in ours, or not translated there, is left alone."""
    catalog = read(language)
    with file.open("rb") as stream:
        for message in read_po(stream, locale=language):
            known = (
                catalog.get(message.id if isinstance(message.id, str) else message.id[0]) if message.id else None
            )
            if known is not None and all(_forms(message.string)):
                known.string = message.string
                known.flags.discard("fuzzy")
    po_of(language).write_bytes(written(catalog))


def wrong(catalog: Catalog) -> Iterator[str]:
    """What a translation has otherwise than its message: values, options, commands to type; and words that are not
    the language's terms."""
    if catalog.num_plurals < 1:
        yield "Plural-Forms are missing"
    terms: dict[str, str] = RULES["rivals"].get(str(catalog.locale), {})
    for message in catalog:
        if not message.id or not all(_forms(message.string)):
            continue
        ids = _forms(message.id)
        for said in _forms(message.string):
            for what, parts in (("values", _values), ("options and commands", _typed)):
                if parts(said) != parts(ids[-1]):
                    yield f"{what} differ: {ids[-1]!r} -> {said!r}"
            if ids[-1].endswith("\n") != said.endswith("\n"):
                yield f"one of them ends with a line feed: {ids[-1]!r}"
            for rival, term in terms.items():
                if found := re.search(rival, _TYPED.sub("", said), re.IGNORECASE):
                    yield f"{found[0]!r} is not the term ({term}): {said!r}"


def _forms(text: str | Iterable[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def _values(text: str) -> Counter[str] | set[str]:
    """The fields with what is said of their form; a sentence may mention one twice."""
    try:
        return {
            f"{name}:{spec}!{how}" for _, name, spec, how in string.Formatter().parse(text) if name is not None
        }
    except ValueError:  # braces that are no field: the sentence is never filled in
        return Counter(re.findall(r"[{}]", text))


_TYPED = re.compile(r"(?<![\w-])--[a-z][\w-]*|`[^`]+`")


def _typed(text: str) -> set[str]:
    return set(_TYPED.findall(text))


def main(words: list[str]) -> int:
    said = _carried_out(words)
    print(*UNSEEN, sep="\n", end="\n" if UNSEEN else "", file=sys.stderr)
    return 1 if UNSEEN else said


def _carried_out(words: list[str]) -> int:
    match words:
        case ["extract"]:
            sys.stdout.buffer.write(written(template()))
        case ["extract", file]:
            Path(file).write_bytes(written(template()))
        case ["update", language]:
            update(language)
        case ["compile"]:
            compile_all()
        case ["missing", language, *places]:
            sys.stdout.buffer.write(written(part(language, places[0] if places else "")))
        case ["take", language, file]:
            take(language, Path(file))
        case ["check", *chosen]:
            problems = 0
            for language in chosen or languages():
                left = len(list(missing(language)))
                faults = list(wrong(read(language)))
                stale = is_stale(language)
                print(f"{language}: {left} missing, {len(faults)} wrong{', not compiled' if stale else ''}")
                print(*faults, sep="\n")
                problems += left + len(faults) + stale
            return 1 if problems else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
