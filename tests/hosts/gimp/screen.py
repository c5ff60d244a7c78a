"""A person at the screen: shortcut, dialog, OK; then repeat, undo and redo. Needs a display."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gi
from hosts.gimp.images import load, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

T = TypeVar("T")
PATIENCE = 180  # seconds
PLUG_IN = "plug-ins/rheostat/rheostat.py"  # in the command line of its process
SHOTS = Path(__file__).parents[3] / "build" / "hosts"


def main(picture: str, key: str, model: str, noise: str, shots: str) -> dict[str, Any]:
    """The layers after each step; the screen with the dialog and with the result go to `shots`."""
    image = load(picture)
    seen: dict[str, Any] = {"opened": tree(image)}
    window = show(image)
    dialog = open_dialog(window, key, model)
    keys(dialog, "alt+n", "ctrl+a")
    xdotool("type", noise)
    keys(dialog, "Tab")
    wait_for(lambda: preview(image))
    shoot(Path(shots) / "gimp-dialog.png")
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)
    seen["filtered"] = tree(image)
    shoot(Path(shots) / "gimp-result.png")

    keys(window, "ctrl+f")  # repeat, without a dialog
    wait_for_layers(image, 3)
    seen["repeated"] = tree(image)
    for key, layers in (("ctrl+z", 2), ("ctrl+z", 1), ("ctrl+y", 2)):
        keys(window, key)
        wait_for_layers(image, layers)
        seen[f"{key} {layers}"] = tree(image)
        seen[f"{key} {layers}, for files"] = "rheostat" in image.get_metadata().serialize()
    return seen


def show(image: Any) -> str:
    """Open the image in GIMP's window, filling the screen; returns the window."""
    Gimp.Display.new(image)
    window = wait_for(lambda: find("– GIMP$"))
    time.sleep(2)  # keys sent before GIMP has settled are lost
    xdotool("windowsize", window, "100%", "97%", "windowmove", window, "0", "0")
    widen_docks()
    keys(window, "ctrl+shift+j")  # fit the image in the window
    return window


def open_dialog(window: str, key: str, model: str) -> str:
    """Press the shortcut of a filter, again if GIMP was too busy for it; its dialog's window."""

    def press_and_look() -> str:
        keys(window, key)
        for _ in range(20):
            time.sleep(1)
            if dialog := find(f"^{model}$"):
                return dialog
        return ""

    dialog = wait_for(press_and_look)
    put_aside(dialog)
    return dialog


def press_ok(image: Any, dialog: str) -> None:
    """Press OK in a dialog that has a preview, and wait until it renders in full."""
    wait_for(lambda: preview(image))
    keys(dialog, "alt+o")
    wait_for(lambda: not preview(image))


def put_aside(dialog: str) -> None:
    """Move a dialog over the docks, so that the whole picture is seen."""
    xdotool("windowmove", dialog, "915", "40")


def wait_for(look: Callable[[], T], every: float = 0.2) -> T:
    """What `look` returns as soon as that is true; it looks every so many seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not come; windows: {windows()}"
        time.sleep(every)
    return found


def windows() -> list[str]:
    """The titles of all visible windows; the screen is in build/hosts/gimp-waiting.png."""
    shoot(SHOTS / "gimp-waiting.png")
    search = ["xdotool", "search", "--onlyvisible", "--name", ".", "getwindowname", "%@"]
    return subprocess.run(search, capture_output=True, text=True).stdout.splitlines()


def wait_for_layers(image: Any, count: int) -> None:
    """Wait until the image has so many layers, no preview, and no plug-in still at work on it.

    A result is there a moment before its plug-in selects again what was selected and ends.
    """
    wait_for(lambda: not preview(image) and len(image.get_layers()) == count and not is_at_work())


def is_at_work() -> bool:
    """Whether a process of the plug-in runs."""
    return subprocess.run(["pgrep", "-f", PLUG_IN], stdout=subprocess.DEVNULL).returncode == 0


def preview(image: Any) -> Any:
    """The layer that shows what the sliders do, if there is one."""
    return next((x for x in image.get_layers() if x.get_name() == "Rheostat preview"), None)


def find(name: str) -> str:
    """The visible window whose title matches, or nothing."""
    search = ["xdotool", "search", "--onlyvisible", "--name", name]
    done = subprocess.run(search, capture_output=True, text=True)
    return (done.stdout.split() or [""])[-1]


def xdotool(*words: str) -> None:
    """Act as mouse and keyboard."""
    subprocess.run(["xdotool", *words], check=True)


def keys(window: str, *names: str) -> None:
    """Press keys in a window."""
    xdotool("windowactivate", "--sync", window, "key", *names)


def widen_docks() -> None:
    """Drag the border of the docks on the right, so that whole layer names can be read."""
    screen = subprocess.check_output(["xdotool", "getdisplaygeometry"], text=True)
    right, middle = (int(side) for side in screen.split())
    border, wider = f"{right - 234}", f"{right - 440}"
    y = f"{middle // 2}"
    xdotool("mousemove", border, y, "mousedown", "1")
    xdotool("mousemove", wider, y, "mouseup", "1")


def shoot(path: Path) -> None:
    """A picture of the screen once it has come to rest."""
    time.sleep(1.5)
    subprocess.run(["scrot", "--overwrite", str(path)], check=True)
