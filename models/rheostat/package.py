"""Package: a tunable model in a folder, verified before it is believed.

    model.toml           who it is, its controls, architecture, and the SHA-256 of every other file
    weights.safetensors  the weights
    golden.npz           a small input, a few positions of the sliders, and what came out
    evidence.json        what was measured, with the command that measured it
    training.jsonl       scores on held-out pictures while it was trained
    recipe.toml          how it was trained
    card.md              for people; generated

Nothing in a package is executed: the architecture is chosen by name from a closed registry.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zipfile import ZipFile

import msgspec
import numpy as np
import torch
from platformdirs import user_data_path
from rheostat_client.controls import Control, complete
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from . import nets
from .estimators import ESTIMATORS
from .nets import Network

SCHEMA = 1
MANIFEST = "model.toml"
WEIGHTS = "weights.safetensors"
GOLDEN = "golden.npz"
EVIDENCE = "evidence.json"
MAX_MANIFEST = 256 * 1024  # bytes
MAX_FILE = 2 * 1024**3  # bytes
MAX_GOLDEN = 8 * 1024**2  # bytes, unpacked
MAX_POSITIONS = 16  # of the golden picture
MAX_SIZE = 1024  # of any number in an architecture's config, and of the length of a list
DTYPES = ("F16", "BF16", "F32")  # of weights, by their names in safetensors
GOLDEN_TOLERANCE = 2e-3  # of the unit range; half an 8-bit level, to allow for other machines

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
FileName = Annotated[str, msgspec.Meta(pattern=FILE_NAME)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Architecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registered network and its constructor's arguments."""

    name: str
    config: dict[str, Any] = {}


class Manifest(msgspec.Struct, frozen=True):
    """model.toml. Fields that a newer version may add are ignored."""

    schema: int
    id: Name
    name: str
    summary: str
    version: str
    licence: str
    architecture: Architecture
    controls: tuple[Control, ...]
    training_data: str = ""
    good_at: tuple[str, ...] = ()
    bad_at: tuple[str, ...] = ()
    presets: dict[str, dict[str, float]] = {}
    files: dict[FileName, Digest] = {}


@dataclass(frozen=True)
class Package:
    """A package whose files were verified; its weights are not in memory.

    halo      pixels of context a tile needs on each side for its core to equal the whole
    multiple  sides and tile origins are multiples of this
    """

    folder: Path
    manifest: Manifest
    info: ModelInfo
    halo: int
    multiple: int

    @property
    def scale(self) -> int:
        """Sides of the result for one of the picture's."""
        return self.info.scale

    def is_off(self, values: Mapping[str, float]) -> bool:
        """Whether the output is the input bit for bit: a control stands at its off position."""
        return any(c.is_off(values[c.id]) for c in self.info.controls)

    def coordinates(self, values: Mapping[str, float]) -> Tensor:
        """λ as the network takes it: float32 (P,), the controls' values in order."""
        return torch.tensor([values[c.id] for c in self.info.controls], dtype=torch.float32)

    def load(self) -> Network:
        """The network with its weights, in eval mode on the CPU; no gradients are kept."""
        network = self._build()
        try:
            weights = load_file(self.folder / WEIGHTS)
            network.load_state_dict(weights)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise _damaged(self.folder, f"{WEIGHTS} does not fit the architecture") from error
        bad = [name for name, value in weights.items() if not bool(torch.isfinite(value).all())]
        if bad:
            raise _damaged(self.folder, f"{WEIGHTS} holds a value that is not finite in {bad[0]}")
        return network.eval().requires_grad_(False)

    def golden(self) -> tuple[Tensor, Tensor, Tensor]:
        """The golden picture (1, 3, H, W), positions (N, P) and what must come out (N, 3, H, W)."""
        try:
            with ZipFile(self.folder / GOLDEN) as file:
                unpacked = sum(entry.file_size for entry in file.infolist())
                if unpacked > MAX_GOLDEN:
                    raise ValueError(f"unpacks to more than {MAX_GOLDEN} bytes")
                x, lam, output = (_array(file, name) for name in ("input", "lam", "output"))
        except MemoryError:  # which is no fault of the file's
            raise
        except Exception as error:  # whatever zipfile, zlib and numpy make of forged bytes
            raise _damaged(self.folder, f"{GOLDEN} is no golden picture: {error!r}") from error
        sides = [self.scale * side for side in x.shape[2:]]
        if (
            x.ndim != 4
            or lam.ndim != 2
            or x.shape[:2] != (1, 3)
            or list(output.shape) != [len(lam), 3, *sides]
            or not 1 <= len(lam) <= MAX_POSITIONS
        ):
            raise _damaged(self.folder, f"the pictures in {GOLDEN} do not fit together")
        return x, lam, output

    def check_golden(self) -> float:
        """Render the golden picture; the largest deviation (0..1), refused above the tolerance."""
        network, (x, positions, wanted) = self.load(), self.golden()
        try:
            with torch.inference_mode():
                results = [network(x, lam[None]) for lam in positions]  # not all in memory at once
            deviation = float((torch.cat(results) - wanted).abs().max())
        except (ValueError, TypeError, RuntimeError) as error:
            raise _damaged(self.folder, f"{GOLDEN} is no golden picture") from error
        if not deviation <= GOLDEN_TOLERANCE:
            raise _damaged(
                self.folder,
                f"the golden picture deviates by {deviation:.2g}, allowed is {GOLDEN_TOLERANCE:g}",
            )
        return deviation

    def _build(self) -> Network:
        return _build(self.folder, self.manifest.architecture)


def find_packages() -> dict[str, Path]:
    """Folders by model id: $RHEOSTAT_MODELS first, then the user's, then the shipped zoo.

    The id is the folder's name. Where two places have the same id, the first one counts.
    """
    named = os.environ.get("RHEOSTAT_MODELS", "")
    places = [Path(place) for place in named.split(os.pathsep) if place]
    places += [user_data_path("rheostat", appauthor=False) / "models", _zoo()]
    found: dict[str, Path] = {}
    for place in places:
        for manifest in sorted(place.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return dict(sorted(found.items()))


def read_package(folder: Path) -> Package:
    """The verified package in `folder`.

    Raises RheostatError: bad-package (model.toml), unsupported-package (schema, architecture),
    damaged-package (a file is missing, too large or not the one model.toml names).
    """
    manifest = read_manifest(folder)
    for name, digest in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise _damaged(folder, f"{name} is missing")
        if path.stat().st_size > MAX_FILE:
            raise _damaged(folder, f"{name} is larger than {MAX_FILE} bytes")
        try:
            found = file_digest(path)
        except OSError as error:
            raise _damaged(folder, f"{name} cannot be read ({error.strerror})") from error
        if found != digest:
            raise _damaged(folder, f"{name} is not the file {MANIFEST} names")
    for name in (WEIGHTS, GOLDEN):
        if name not in manifest.files:
            raise _damaged(folder, f"{MANIFEST} names no {name}")
    with torch.device("meta"):
        network = _build(folder, manifest.architecture)
    _check_shapes(folder, network)
    multiple = network.multiple
    halo = math.ceil(network.receptive_radius / multiple) * multiple
    return Package(folder, manifest, _info(manifest, network.scale), halo, multiple)


def read_manifest(folder: Path) -> Manifest:
    """model.toml alone, decoded strictly; the files it names are not looked at."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST:
            raise _bad(folder, f"{MANIFEST} is larger than {MAX_MANIFEST} bytes")
        manifest = msgspec.toml.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise _bad(folder, f"{MANIFEST} cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _bad(folder, f"{MANIFEST}: {error}") from error
    if manifest.schema != SCHEMA:
        raise RheostatError(
            "unsupported-package",
            f"The package {folder.name} has schema {manifest.schema}; "
            f"this version of Rheostat reads schema {SCHEMA}.",
            "Update Rheostat." if manifest.schema > SCHEMA else "Update the package.",
        )
    if manifest.id != folder.name:
        raise _bad(folder, f"its id is {manifest.id!r}, but its folder is {folder.name!r}")
    ids = [c.id for c in manifest.controls]
    if not ids or len(set(ids)) < len(ids):
        raise _bad(folder, "its controls are none, or two have the same id")
    for name, values in manifest.presets.items():
        try:
            complete(manifest.controls, values)
        except RheostatError as error:
            raise _bad(folder, f"its preset {name!r}: {error.message}") from error
    for control in manifest.controls:
        if control.auto is not None and control.auto not in ESTIMATORS:
            raise RheostatError(
                "unsupported-package",
                f"The package {folder.name} needs the estimator {control.auto!r}; "
                f"known are {', '.join(sorted(ESTIMATORS))}.",
                "Update Rheostat.",
            )
    return manifest


def package_digest(manifest: Manifest) -> str:
    """SHA-256 (hex) of what decides the pixels: architecture, controls' ids and file digests."""
    decisive = {
        "architecture": msgspec.to_builtins(manifest.architecture),
        "controls": [c.id for c in manifest.controls],
        "weights": manifest.files.get(WEIGHTS, ""),
    }
    return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _info(manifest: Manifest, scale: int) -> ModelInfo:
    return ModelInfo(
        id=manifest.id,
        name=manifest.name,
        summary=manifest.summary,
        version=manifest.version,
        digest=package_digest(manifest),
        controls=manifest.controls,
        scale=scale,
        presets=manifest.presets,
    )


def _build(folder: Path, architecture: Architecture) -> Network:
    if architecture.name not in nets.ARCHITECTURES:
        raise RheostatError(
            "unsupported-package",
            f"The package {folder.name} needs the architecture {architecture.name!r}; "
            f"known are {', '.join(sorted(nets.ARCHITECTURES))}.",
            "Update Rheostat.",
        )
    _check_sizes(folder, architecture.config)
    try:
        return nets.build(architecture.name, architecture.config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _bad(folder, f"its architecture's config does not fit: {error}") from error


def _check_shapes(folder: Path, network: Network) -> None:
    """Compare the header of the weights with the network's, before either is in memory."""
    wanted = {name: list(value.shape) for name, value in network.state_dict().items()}
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: value.get_shape() for name, value in slices.items()}
            dtypes = {value.get_dtype() for value in slices.values()}
    except (OSError, SafetensorError) as error:
        raise _damaged(folder, f"{WEIGHTS} cannot be read: {error}") from error
    if found != wanted:
        raise _damaged(folder, f"{WEIGHTS} does not fit the architecture")
    if wrong := dtypes.difference(DTYPES):
        raise _damaged(
            folder, f"{WEIGHTS} holds {min(wrong)}; {', '.join(DTYPES)} are what can be computed"
        )


def _array(file: ZipFile, name: str) -> Tensor:
    """An array of an .npz; its header is not believed to be of more than there is."""
    with file.open(f"{name}.npy") as entry:
        data = io.BytesIO(entry.read(MAX_GOLDEN))
    if np.lib.format.read_magic(data) != (1, 0):
        raise ValueError(f"{name} is of an unknown version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(data)
    if math.prod(shape) * dtype.itemsize > len(data.getbuffer()):
        raise ValueError(f"{name} ends early")
    data.seek(0)
    return torch.from_numpy(np.load(data, allow_pickle=False))


def _check_sizes(folder: Path, value: object) -> None:
    """Refuse a config that would build without end."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value[: MAX_SIZE + 1]:
            _check_sizes(folder, one)
        value = len(value)
    if isinstance(value, int | float) and not -MAX_SIZE <= value <= MAX_SIZE:
        raise _bad(folder, f"its architecture's config has {value}; {MAX_SIZE} is the most")


def _zoo() -> Path:
    """The shipped packages: beside the library in a checkout, inside it when installed."""
    inside = Path(__file__).parent / "zoo"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "zoo"


def _bad(folder: Path, what: str) -> RheostatError:
    return RheostatError(
        "bad-package", f"The package {folder.name} cannot be used: {what}.", "Correct model.toml."
    )


def _damaged(folder: Path, what: str) -> RheostatError:
    return RheostatError(
        "damaged-package", f"The package {folder.name} is damaged: {what}.", "Install it again."
    )
