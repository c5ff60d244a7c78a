"""Tasks, one file each: which λ are drawn, what is done to a picture, what is asked of the result.

Recipes choose one by name from the closed registry.
"""

from __future__ import annotations

from collections.abc import Mapping

from .deblur import DeblurTask
from .dejpeg import DejpegTask
from .denoise import CameraTask, DenoiseTask
from .restoration import Restoration
from .style import StyleTask
from .task import Batch, Task
from .upscale import DoubleTask, QuadrupleTask

__all__ = ["TASKS", "Batch", "Restoration", "Task"]

TASKS: Mapping[str, type[Task]] = {
    "denoise": DenoiseTask,
    "denoise-camera": CameraTask,
    "dejpeg": DejpegTask,
    "deblur": DeblurTask,
    "style": StyleTask,
    "upscale-2": DoubleTask,
    "upscale-4": QuadrupleTask,
}
