"""Without a dialog: what a script or Repeat asks for, with GIMP's own progress bar."""

from __future__ import annotations

from typing import Any

import layers
import sources
from answer import Answer
from gi.repository import Gimp
from rheostat_client import installed
from rheostat_client.connection import Connection, Region
from rheostat_client.controls import title
from rheostat_client.models import ModelInfo


def answer(
    image: Any, chosen: list[Any], boxes: list[Region], config: Any, model: ModelInfo
) -> Answer:
    """Render the box of every layer at the values in `config`.

    GIMP's Cancel button ends this process at once; until it is done the image is as it was.
    """
    values = {control.id: config.get_property(control.id) for control in model.controls}
    names = sources.map_names(config.get_property("maps"))
    maps = {control: sources.item(image, name) for control, name in names.items()}
    Gimp.progress_init(f"{title(model.name, model.controls, values)}…")

    def show(done: int, total: int, state: str) -> None:
        Gimp.progress_set_text(f"{model.name}: {state}…")
        Gimp.progress_update(done / max(1, total))

    results = []
    with Connection.open(start=installed.start_command(), name="GIMP") as daemon:
        for layer, box in zip(chosen, boxes):
            results.append(
                daemon.filter(
                    *layers.read(layer),
                    model.id,
                    values,
                    region=box,
                    maps={name: layers.read_map(item, layer) for name, item in maps.items()},
                    on_progress=show,
                )
            )
    return Answer(values, maps, results)
