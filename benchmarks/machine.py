"""What a result was measured on: the data, the machine, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import torch

# Pictures and backbones, see CONTRIBUTING.md; none of them is in the repository.
DATA = Path(os.environ.get("RHEOSTAT_DATA") or Path(__file__).parents[2] / "shared" / "data")


def machine(device: str = "cpu") -> str:
    """`AMD EPYC, 2 threads, PyTorch 2.13.0`, or the GPU's name."""
    version = f"PyTorch {torch.__version__.split('+')[0]}"
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}, {version}"
    count = torch.get_num_threads()
    return f"{_processor()}, {count} thread{'s' if count > 1 else ''}, {version}"


def commit() -> str:
    """The short hash of what is checked out, with `+` if the tree has changes."""
    git = ["git", "-C", str(Path(__file__).parent)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
