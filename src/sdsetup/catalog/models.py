"""models.toml: models by name, each pinned by size and SHA-256, with its sources in order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.reading import Reader
from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile, Source

MODEL_FOLDER = "models/Stable-diffusion"
# Files that can run any program when they are loaded.
PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")


@dataclass(frozen=True, kw_only=True)
class ModelSource(Source):
    """A source that says why it is in the list and where that is known from."""

    because: Text | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model. `size` in bytes; `save_as` relative to the installation folder, forward slashes.

    `alone`: it makes images without another model."""

    name: str
    title: Text
    file: str  # its name at the source
    save_as: str
    size: int
    sha256: str
    sources: tuple[ModelSource, ...]
    model_class: str = "sd15"
    licence: str | None = None
    because: Text | None = None
    alone: bool = True


@dataclass(frozen=True, kw_only=True)
class ModelProfile:
    """The whole file: the hub's address, its mirrors (same paths, same bytes), and the models by name."""

    hub: str
    mirrors: tuple[str, ...]
    models: Mapping[str, Model]
    places: tuple[ModelPlace, ...]


@dataclass(frozen=True, kw_only=True)
class ModelPlace:
    """Where another program keeps its models: globs below the roots a person's files lie in."""

    program: str
    folders: tuple[str, ...]


def parse_models(raw: Mapping[str, Any], path: str = "models.toml") -> dict[str, Model]:
    """The models of a profile, by name.

    Raises:
        ProfileError: with every problem of the file.
    """
    return dict(parse_model_profile(raw, path).models)


def parse_model_profile(raw: Mapping[str, Any], path: str = "models.toml") -> ModelProfile:
    """The whole profile.

    Raises:
        ProfileError: with every problem of the file.
    """
    top = Reader(raw, path)
    hub = top.table("hub", {})
    address = hub.url("endpoint", "")
    mirrors = tuple(reader.url("url") for reader in _with_reasons(hub.tables("mirrors", ())))
    hub.no_other_keys()
    models = top.table("models")
    parsed = {name: _model(name, models.table(name)) for name in models.keys()}  # noqa: SIM118 - a Reader's keys
    places = tuple(_place(reader) for reader in top.tables("places", ()))
    if not address and any(source.hub for model in parsed.values() for source in model.sources):
        top.problem("hub", "endpoint is required because models have hub sources")
    top.no_other_keys()
    top.finish()
    return ModelProfile(hub=address, mirrors=mirrors, models=parsed, places=places)


def fetch_file(model: Model) -> FetchFile:
    """What a plan carries out for a model. Mirrors of the hub are added when it is fetched."""
    return FetchFile(
        name=model.name,
        save_as=model.save_as,
        size=model.size,
        sha256=model.sha256,
        sources=tuple(
            Source(hub=source.hub, revision=source.revision, file=source.file, url=source.url)
            for source in model.sources
        ),
    )


def find_model(models: Mapping[str, Model], name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: `unknown-model`, with a suggestion and the whole list.
    """
    if name in models:
        return models[name]
    near = difflib.get_close_matches(name.lower(), models, n=1, cutoff=0.5)
    listed = ", ".join(models)
    hint = (
        Text("Did you mean {near}? Available models: {listed}.", near=near[0], listed=listed)
        if near
        else Text("Available models: {listed}. For details, run: sdsetup model list", listed=listed)
    )
    raise UsageError(Text("Unknown model: {name}", name=name), code="unknown-model", hint=hint)


def _model(name: str, reader: Reader) -> Model:
    file = reader.relative_path("file")
    save_as = reader.relative_path("save_as")
    if isinstance(save_as, str) and save_as.lower().endswith(PICKLES):
        reader.problem("save_as", f"{save_as!r} is a pickle file: use `sdsetup model import`, which scans it")
    size = reader.integer("size")
    if isinstance(size, int) and size <= 0 and reader.has("size"):
        reader.problem("size", "must be more than 0 bytes")
    sources = tuple(_source(entry, file) for entry in reader.tables("sources"))
    if reader.has("sources") and not sources:
        reader.problem("sources", "needs at least one entry")
    because = reader.text("because", None)
    model = Model(
        name=name,
        title=Text(reader.text("title", name)),
        file=file,
        save_as=save_as,
        size=size,
        sha256=reader.sha256("sha256"),
        sources=sources,
        model_class=reader.choice("class", ("sd15", "sd21", "sdxl"), "sd15"),
        licence=reader.text("licence", None),
        because=Text(because) if because else None,
        alone=reader.boolean("alone", True),
    )
    reader.text("source", None)
    reader.no_other_keys()
    return model


def _source(reader: Reader, file: str) -> ModelSource:
    hub, url = reader.relative_path("hub", None), reader.url("url", None)
    revision, inside = reader.relative_path("revision", None), reader.relative_path("file", None)
    if (hub is None) == (url is None):
        reader.problem("hub", "give either hub with revision, or url")
    elif hub is not None and revision is None:
        reader.problem(
            "revision", "is missing (a commit; the hash is the pin, a commit says which file was meant)"
        )
    elif url is not None and (revision is not None or inside is not None):
        reader.problem("url", "can't be combined: revision and file belong to hub")
    if hub is not None and hub.count("/") != 1:
        reader.problem("hub", f"{hub!r} is not of the form owner/repository")
    because, known_from = reader.text("because", None), reader.text("source", None)
    reader.no_other_keys()
    return ModelSource(
        hub=hub,
        revision=revision,
        file=(inside or file) if hub is not None else None,
        url=url,
        because=Text(because) if because else None,
        source=known_from,
    )


def _place(reader: Reader) -> ModelPlace:
    place = ModelPlace(program=reader.text("program"), folders=reader.relative_paths("folders", pattern=True))
    reader.text("because", None)
    reader.text("source", None)
    reader.no_other_keys()
    return place


def _with_reasons(readers: Iterable[Reader]) -> Iterable[Reader]:
    for reader in readers:
        yield reader
        reader.text("because", None)
        reader.text("source", None)
        reader.no_other_keys()
