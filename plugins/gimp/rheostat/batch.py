"""Without a dialog: what a script or Repeat asks for, with GIMP's own progress bar."""

from __future__ import annotations

from typing import Any

import layers
import places
import sources
from answer import Answer
from gi.repository import Gimp
from rheostat_client import installed
from rheostat_client.connection import Connection
from rheostat_client.controls import title
from rheostat_client.models import ModelInfo
from rheostat_client.texts import advance


def answer(image: Any, found: list[places.Place], config: Any, model: ModelInfo) -> Answer:
    """Render every place at the values in `config`.

    GIMP's Cancel button ends this process at once; until it is done the image is as it was.
    """
    output = places.output(config, model)
    places.overwritten(found, output)  # or else one would wait for a refusal
    values = {control.id: config.get_property(control.id) for control in model.controls}
    names = sources.map_names(config.get_property("maps"))
    maps = {control: sources.item(image, name) for control, name in names.items()}
    Gimp.progress_init(f"{title(model.name, model.controls, values)}…")

    def show(done: int, total: int, state: str) -> None:
        share = done / max(1, total)
        Gimp.progress_set_text(f"{model.name}: {advance(state, share)}")
        Gimp.progress_update(share)

    results = []
    with Connection.open(start=installed.start_command(), name="GIMP") as daemon:
        for place in found:
            results.append(
                daemon.filter(
                    *layers.read(place.layer),
                    model.id,
                    values,
                    region=place.box,
                    maps=layers.read_maps(maps, place.layer),
                    on_progress=show,
                )
            )
    return Answer(values, maps, output, found, results)
