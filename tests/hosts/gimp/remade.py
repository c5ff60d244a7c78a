"""Re-tunes where source or map is not easy to find; filters the whole image, and in place."""

from __future__ import annotations

import json
from typing import Any

import gi
from hosts.gimp.divided import visible
from hosts.gimp.images import RECORD, call, describe, load, save, tree
from hosts.gimp.partial import grey, white
from hosts.gimp.retuned import retune

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str, file: str) -> dict[str, Any]:
    """Layers and outcomes by case."""
    usual = (moved, two_results, painted_by_a_mask, another_image, whole_image, in_place)
    special = (named, mask_off, locked_result, locked_group, second_locked, failed)
    seen: dict[str, Any] = {}
    for case in (*usual, *special):
        image = load(picture)
        seen[case.__name__] = case(image, image.get_layers()[0], file)
        for each in Gimp.get_images():
            each.delete()
    return seen


def moved(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The source goes into a group, elsewhere on the canvas, and gets another name."""
    first = call(image, [source], noise=20.0)["layer"]
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 2)
    image.reorder_item(source, group, 0)
    source.set_name("moved")
    source.set_offsets(9, 9)
    retune(image, {"noise": 40.0})
    return {"first": first, "other": retune(image, {"noise": 20.0}), "layers": tree(image)}


def two_results(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """Each result is re-tuned from the one source, not from the other result."""
    low, high = (call(image, [source], noise=value)["layer"] for value in (10.0, 50.0))
    retune(image, {"noise": 10.0}, at=0)
    retune(image, {"noise": 50.0}, at=1)
    above, below, _ = tree(image)
    return {"low": low, "high": high, "above": above, "below": below}


def painted_by_a_mask(image: Any, source: Any, file: str) -> dict[str, Any]:
    """The mask of the source is the map; it is called after the source, which is renamed."""
    mask = source.create_mask(Gimp.AddMaskType.BLACK)
    source.add_mask(mask)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 40, image.get_height())
    Gimp.context_set_foreground(white())
    mask.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(image)
    words = json.dumps({"noise": mask.get_name()})
    first = call(image, [source], noise=40.0, maps=words)["layer"]
    save(image, file)
    image.delete()
    image = load(file)
    image.get_layers()[1].set_name("another name")
    retune(image, {"noise": 5.0})
    return {"first": first, "again": retune(image, {"noise": 40.0})}


def another_image(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """Source and result are copied into an image that has layers of its own."""
    first = call(image, [source], noise=20.0)["layer"]
    other = Gimp.Image.new(200, 200, Gimp.ImageBaseType.RGB)
    for layer in (image.get_layers()[1], image.get_layers()[0]):
        other.insert_layer(Gimp.Layer.new_from_drawable(layer, other), None, 0)
    for number in range(3):  # with the tattoos of the first image
        kind = Gimp.ImageType.RGB_IMAGE
        decoy = Gimp.Layer.new(other, f"{number}", 97, 71, kind, 100, Gimp.LayerMode.NORMAL)
        other.insert_layer(decoy, None, 0)
    retune(other, {"noise": 40.0}, at=3)
    return {"first": first, "again": retune(other, {"noise": 20.0}, at=3)}


def whole_image(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """A half transparent layer lies above; the result is that of both together."""
    kind = Gimp.ImageType.RGBA_IMAGE
    size = image.get_width(), image.get_height()
    veil = Gimp.Layer.new(image, "veil", *size, kind, 50, Gimp.LayerMode.NORMAL)
    veil.fill(Gimp.FillType.WHITE)
    image.insert_layer(veil, None, 0)
    merged = load_merged(image)
    expected = call(merged, merged.get_layers(), noise=40.0)["layer"]
    result = call(image, [source], noise=40.0, source="image")["layer"]
    shown = visible(image)
    retune(image, {"noise": 5.0})
    again = retune(image, {"noise": 40.0})
    return {
        "expected": expected,
        "result": result,
        "again": again,
        "shown": [shown, visible(image)],
        "layers": [layer["name"] for layer in tree(image)],
    }


def load_merged(image: Any) -> Any:
    """Another image, with one layer of all that is visible in this one."""
    copy = image.duplicate()
    copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    return copy


def in_place(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The pixels themselves are filtered, as far as a soft selection says; then all of them."""
    before = describe(source)
    everywhere = call(image, [source], noise=40.0)["layer"]
    image.remove_layer(image.get_layers()[0])
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 10, 40, 30)
    Gimp.Selection.feather(image, 6.0)
    selection = grey(image.get_selection())
    part = call(image, [source], noise=40.0, output="replace")["layer"]
    count = len(image.get_layers())
    source.set_lock_content(True)
    locked = call(image, [source], noise=40.0, output="replace")
    return {
        "before": before,
        "everywhere": everywhere,
        "selection": selection,
        "part": part,
        "layers": count,
        "locked": locked,
    }


def named(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """A result has names that the user gave it, or GIMP, or the filter in another language."""
    call(image, [source], noise=20.0)
    names: dict[str, Any] = {}

    def renamed(case: str, name: str) -> None:
        image.get_layers()[0].set_name(name)
        names[case] = retune(image, {"noise": 40.0})["name"]

    names["given"] = retune(image, {"noise": 20.0})["name"]
    renamed("longer", f"{names['given']} – sky")
    renamed("other", "night sky")
    image.remove_layer(image.get_layers()[0])
    for _ in range(2):
        call(image, [source], noise=20.0)
    names["alike"] = image.get_layers()[1].get_name()
    names["numbered"] = retune(image, {"noise": 30.0}, at=1)["name"]
    image.insert_layer(image.get_layers()[0].copy(), None, 0)
    names["copied"] = image.get_layers()[0].get_name()
    names["copy"] = retune(image, {"noise": 40.0})["name"]
    rewrite(image.get_layers()[0], result="Winzig · Rauschen 40")
    renamed("foreign", "Winzig · Rauschen 40")
    rewrite(image.get_layers()[0], result=None)  # as records were before
    names["old"] = retune(image, {"noise": 10.0})["name"]
    rewrite(image.get_layers()[0], result=None)
    renamed("old longer", f"{names['old']} – sky")
    return names


def rewrite(layer: Any, **source: Any) -> None:
    """Change what a record says of its source; None takes it out."""
    record = json.loads(bytes(layer.get_parasite(RECORD).get_data()))
    both = {**record["source"], **source}
    record["source"] = {name: value for name, value in both.items() if value is not None}
    layer.attach_parasite(Gimp.Parasite.new(RECORD, 3, json.dumps(record).encode()))


def mask_off(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The source's mask is switched off."""
    source.add_mask(source.create_mask(Gimp.AddMaskType.BLACK))
    source.set_apply_mask(False)
    return dict(call(image, [source], noise=20.0)["layer"])


def locked_result(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The pixels of a result are locked; re-tuned it is another one, and locked."""
    expected = call(image, [source], noise=40.0)["layer"]
    image.remove_layer(image.get_layers()[0])
    call(image, [source], noise=20.0)
    image.get_layers()[0].set_lock_content(True)
    again = retune(image, {"noise": 40.0})
    return {
        "expected": expected,
        "again": again,
        "is locked": image.get_layers()[0].get_lock_content(),
    }


def locked_group(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The source is in a group that is locked."""
    group = Gimp.GroupLayer.new(image, "folder")
    image.insert_layer(group, None, 0)
    image.reorder_item(source, group, 0)
    group.set_lock_content(True)
    before = tree(image)
    outcome = call(image, [source], noise=20.0, output="replace")
    return {**outcome, "unchanged": tree(image) == before}


def second_locked(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """Of two layers one is locked."""
    other = source.copy()
    image.insert_layer(other, None, 0)
    source.set_lock_content(True)
    before = tree(image)
    outcome = call(image, [other, source], noise=20.0, output="replace")
    return {**outcome, "unchanged": tree(image) == before}


def failed(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """A call for the whole image that cannot be done; how many layers it leaves in memory."""
    before = layers_in_memory(source)
    outcome = call(image, [source], source="image", maps='{"noise": "Sea"}')
    return {**outcome, "left": layers_in_memory(source) - before}


def layers_in_memory(source: Any) -> int:
    """All there are, in images or not; those made by this are gone again."""
    newest = source.copy()
    numbers = range(1, newest.get_id())
    newest.delete()
    return sum(bool(Gimp.Item.id_is_layer(number)) for number in numbers)
