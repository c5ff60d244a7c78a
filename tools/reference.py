"""Keep the tables in step with code and evidence: `python tools/reference.py` rewrites them.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; a test runs `renewed` on every
document and finds nothing to change.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import rheostat
from rheostat import STRATEGIES, adversarial, losses, perception, pruning, samplers
from rheostat.package import MANIFEST, read_manifest
from rheostat_client import messages
from rheostat_client.controls import Control
from rheostat_client.pixels import FORMATS
from torch import nn

REPOSITORY = Path(__file__).parents[1]
sys.path.append(str(REPOSITORY))  # benchmarks are not installed
from benchmarks.control import results  # noqa: E402

ZOO = REPOSITORY / "models" / "zoo"
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_QUOTED = re.compile(r"""(: |-> )(["'])(.*?)\2""")  # annotations are strings, values stay so
_LIMITS = {
    "MAX_HEADER": "bytes of a request's header",
    "MAX_ANSWER": "bytes of an answer's header",
    "MAX_FRAME": "bytes of one pixel frame",
    "MAX_FRAMES": "pixel frames in one message",
    "CHUNK": "bytes our clients put into one frame",
    "MAX_SIDE": "pixels on a side of a picture",
    "MAX_ID": "characters of a job, key, hash or model id",
}


def message_table() -> Iterable[str]:
    """Every message: kind, fields, first paragraph of its docstring."""
    yield "| kind | fields | meaning |"
    yield "|---|---|---|"
    for kind, cls in messages.KINDS.items():
        names = ", ".join(f"`{f.name}`" for f in fields(cls)) or "–"
        yield f"| `{kind}` | {names} | {_first_paragraph(cls)} |"


def limit_table() -> Iterable[str]:
    """Every limit of the wire."""
    yield "| limit | value | of |"
    yield "|---|---|---|"
    for name, meaning in _LIMITS.items():
        yield f"| `{name}` | {getattr(messages, name)} | {meaning} |"


def format_table() -> Iterable[str]:
    """Every pixel format."""
    yield "| format | channels | bytes per channel |"
    yield "|---|---|---|"
    for form in FORMATS.values():
        yield f"| `{form.name}` | {form.channels} | {form.bytes_per_channel} |"


def control_table() -> Iterable[str]:
    """Every field of a control, from its docstring."""
    yield "| field | meaning |"
    yield "|---|---|"
    listing = inspect.cleandoc(Control.__doc__ or "").split("\n\n")[1]
    for entry in re.split(r"\n(?=\S)", listing):  # an entry goes on in indented lines
        name, *meaning = entry.split()
        yield f"| `{name}` | {' '.join(meaning)} |"


def strategy_table() -> Iterable[str]:
    """Every control strategy, from the registry."""
    yield "| strategy | after | training | exact at λ = 0 | bakes to plain | maps | limits |"
    yield "|---|---|---|---|---|---|---|"
    for s in STRATEGIES.values():
        promises = " | ".join("yes" if kept else "no" for kept in (s.exact_base, s.folds, s.maps))
        yield f"| `{s.name}` | {s.source} | {s.training} | {promises} | {s.limits or '–'} |"


def api_reference() -> Iterable[str]:
    """Signature and docstring of everything a network maker calls."""
    yield from _described("rheostat", [(n, getattr(rheostat, n)) for n in rheostat.__all__])
    yield from _described("rheostat.perception", [("LPIPS", perception.LPIPS)])
    for module in (losses, samplers, adversarial, pruning):
        name = module.__name__
        members = inspect.getmembers(module)
        yield from _described(name, [m for m in members if _is_own(*m, name)])


def fidelity_table() -> Iterable[str]:
    """What `denoise` makes of noise whose level is known, from its evidence."""
    sweep = _sweeps("denoise", "CBSD68")["sigma"]
    yield "| noise σ | " + " | ".join(f"{sigma:g}" for sigma in sweep["position"]) + " |"
    yield "|---|" + "---|" * len(sweep["position"])
    yield "| noisy, dB | " + " | ".join(f"{psnr:.2f}" for psnr in sweep["noisy"]) + " |"
    yield "| `detail` 0, dB | " + " | ".join(f"{psnr:.2f}" for psnr in sweep["psnr"]) + " |"


def model_table() -> Iterable[str]:
    """The shipped models and their sliders."""
    yield "| model | what it does | sliders |"
    yield "|---|---|---|"
    for folder in sorted(path.parent for path in ZOO.glob(f"*/{MANIFEST}")):
        manifest = read_manifest(folder)
        controls = ", ".join(f"`{control.id}`" for control in manifest.controls)
        card = f"[`{manifest.id}`](models/zoo/{manifest.id}/card.md)"
        yield f"| {card} | {manifest.summary} | {controls} |"


def repair_table() -> Iterable[str]:
    """What the other restorers make of faults whose strength is known, from their evidence."""
    yield "| fault | before, dB | after, dB |"
    yield "|---|---|---|"
    for model, pictures, series, fault in (
        ("denoise", "CBSD68", "camera_sigma", "a camera's noise, `camera` 1, σ"),
        ("dejpeg", "LIVE1", "jpeg", "JPEG quality"),
        ("deblur", "CBSD68", "lens", "lens blur, noise σ 2, radius"),
        ("deblur", "CBSD68", "shake", "motion, noise σ 2, length"),
        ("upscale2", "Set5", "sigma", "half the size, noise σ"),
        ("upscale4", "Set5", "sigma", "a quarter of the size, noise σ"),
    ):
        sweep = _sweeps(model, pictures)[series]
        for position, before, after in zip(
            sweep["position"], sweep["noisy"], sweep["psnr"], strict=True
        ):
            yield f"| {fault} {position:g} | {before:.2f} | {after:.2f} |"


def detail_table() -> Iterable[str]:
    """The `detail` slider at σ 25 beside an opacity blend of its ends, from the evidence."""
    sweeps = _sweeps("denoise", "CBSD68")
    yield "| at σ 25 | LPIPS | PSNR, dB |"
    yield "|---|---|---|"
    rows = [
        (f"`detail` {position:g}", sweeps["detail"]["perception"][i], sweeps["detail"]["psnr"][i])
        for i, position in enumerate(sweeps["detail"]["position"])
        if position in (0, 0.5, 1)
    ]
    blend = sweeps["blend"]
    psnr = rows[1][2]
    rows.insert(2, ("1 over 0 at half opacity", blend["perception"][5], blend["psnr"][5]))
    same = np.interp(-psnr, -np.array(blend["psnr"])[1:], blend["perception"][1:])
    rows.insert(3, ("1 over 0, as many dB as `detail` 0.5", float(same), psnr))
    for name, distance, psnr in rows:
        yield f"| {name} | {distance:.4f} | {psnr:.2f} |"


TABLES: dict[str, Callable[[], Iterable[str]]] = {
    "messages": message_table,
    "limits": limit_table,
    "formats": format_table,
    "controls": control_table,
    "strategies": strategy_table,
    "api": api_reference,
    "noise": lambda: results.noise_table(results.read_comparison()),
    "dropped": lambda: results.dropped_table(results.read_comparison()),
    "perception": lambda: results.perception_table(results.read_comparison()),
    "cost": lambda: results.cost_table(results.read_comparison()),
    "fidelity": fidelity_table,
    "models": model_table,
    "repairs": repair_table,
    "detail": detail_table,
}


def renewed(text: str) -> str:
    """`text` with every table written anew; KeyError for a table nobody knows."""
    return _BLOCK.sub(lambda m: m[1] + "\n".join(TABLES[m[2]]()) + "\n" + m[3], text)


def main() -> None:
    """Rewrite all documents."""
    for path in DOCUMENTS:
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


def _described(module: str, members: Iterable[tuple[str, Any]]) -> Iterable[str]:
    yield f"## {module}"
    for name, member in members:
        if not callable(member):
            continue
        yield from _entry(name, member)
        if inspect.isclass(member) and issubclass(member, nn.Module):
            for method, function in vars(member).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield from _entry(f"{name}.{method}", function)
    yield ""


def _entry(name: str, member: Any) -> Iterable[str]:
    signature = _QUOTED.sub(r"\1\3", str(inspect.signature(member)))
    constructor = vars(member).get("__init__") if inspect.isclass(member) else None
    made = getattr(constructor, "__doc__", None) or ""
    yield f"\n### {name}\n\n```text"
    if signature != "(*args, **kwargs)":  # of a protocol
        yield f"{name}{signature.replace('(self, ', '(').replace('(self)', '()')}\n"
    yield inspect.getdoc(member) or ""
    if made and not made.startswith("Initialize self"):  # a dataclass's says nothing
        yield "\n" + inspect.cleandoc(made)
    yield "```"


def _is_own(name: str, member: object, module: str) -> bool:
    known = name.startswith("_") or name in rheostat.__all__
    return not known and callable(member) and getattr(member, "__module__", "") == module


def _sweeps(model: str, pictures: str) -> dict[str, Any]:
    text = (REPOSITORY / "models" / "zoo" / model / "evidence.json").read_text(encoding="utf-8")
    sweeps: dict[str, Any] = json.loads(text)[pictures]["sweeps"]
    return sweeps


def _first_paragraph(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


if __name__ == "__main__":
    main()
