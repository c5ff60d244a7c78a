"""A program uses the dialog, at moments that no hand hits. Needs a display."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import gi
from hosts.gimp.images import describe, load, tree
from hosts.gimp.partial import paint_sky
from hosts.gimp.screen import preview

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GLib, Gtk

Acts = Iterator[Callable[[], Any]]  # what to wait for before the next one
SKY = '{"noise": "Sky"}'
OK, CANCEL = Gtk.ResponseType.OK, Gtk.ResponseType.CANCEL


def main(case: str, picture: str, plug_in: str) -> Any:
    """What comes of a case, of an image with two layers and a channel that is half white."""
    sys.path.insert(0, plug_in)
    image = load(picture)
    image.insert_layer(image.get_layers()[0].copy(), None, 0)
    paint_sky(image)
    seen = CASES[case](image)
    image.delete()
    return seen


class User:
    """Has a dialog open for all layers of an image, and knows what it says."""

    def __init__(self, image: Any, **values: Any) -> None:
        """With other values than the defaults."""
        Gimp.main = lambda *_: None  # this process has called it
        self._rheostat = importlib.import_module("rheostat")
        models = importlib.import_module("rheostat_client.installed").models()
        self._model = next(model for model in models if model.id == "tiny")
        make = self._rheostat.Rheostat.do_create_procedure
        self._image, self._procedure = image, make(Gimp.get_plug_in(), "rheostat-tiny")
        self.config = self._procedure.create_config()
        for name, value in values.items():
            self.config.set_property(name, value)
        self.problems: list[str] = []
        self.is_rendering = False  # in full
        self.finished = 0  # renders of one layer

    def undisturbed(self) -> dict[str, Any]:
        """A result to compare with, which does not stay in the image."""
        output = self.config.get_property("output")
        self.config.set_property("output", "layer")
        done = self._run(Gimp.RunMode.NONINTERACTIVE, self._image.get_layers()[:1])
        self.config.set_property("output", output)
        found = describe(done.index(1))
        self._image.remove_layer(done.index(1))
        return found

    def reset(self) -> None:
        """Have the defaults again."""
        fresh = self._procedure.create_config()
        for name in ("noise", "detail", "maps", "output"):
            self.config.set_property(name, fresh.get_property(name))

    def answer(self, response: int) -> None:
        """Press a button."""
        (window,) = (w for w in Gtk.Window.list_toplevels() if isinstance(w, Gtk.Dialog))
        window.response(response)

    def use(self, acts: Acts) -> str:
        """Do the acts while the dialog is open; how that ended."""
        user = self
        dialog: Any = importlib.import_module("dialog")
        errors: list[Exception] = [AssertionError("the dialog closed too early")]
        deadline = time.monotonic() + 60

        class Watched(dialog.Dialog):  # type: ignore[misc]  # gi has no types
            def say(self, words: str, is_problem: bool = False) -> None:
                super().say(words, is_problem)
                user.problems += [words] * is_problem

            def progress(self, share: float) -> None:
                super().progress(share)
                user.is_rendering = True

            def finish(self, result: Any) -> None:
                super().finish(result)
                user.finished += 1

        def go_on(awaited: list[Callable[[], Any]]) -> bool:
            time.sleep(0.005)
            try:
                if awaited[0]():
                    awaited[0] = next(acts)
                assert time.monotonic() < deadline, "it did not come"
            except StopIteration:
                errors.clear()
                return False
            except Exception as error:
                errors.append(error)
                # Again and again: the first may end a render only.
                awaited[0] = lambda: self.answer(CANCEL)
            return True

        dialog.Dialog, original = Watched, dialog.Dialog
        GLib.idle_add(go_on, [lambda: True])
        done = self._run(Gimp.RunMode.INTERACTIVE, self._image.get_layers())
        dialog.Dialog = original
        if errors:
            raise errors[-1]
        return str(done.index(0).value_nick)

    def _run(self, mode: Any, layers: list[Any]) -> Any:
        run = self._rheostat.run
        return run(self._procedure, mode, self._image, layers, self.config, self._model)


def during(image: Any, act: Callable[[User], Any], **values: Any) -> dict[str, Any]:
    """Something is done during the first of two renders."""
    user = User(image, **values)
    expected = user.undisturbed()

    def acts() -> Acts:
        user.answer(OK)
        yield lambda: user.is_rendering
        act(user)

    return {"status": user.use(acts()), "layers": tree(image), "expected": expected}


def reset(image: Any) -> dict[str, Any]:
    """Everything is reset."""
    return during(image, User.reset, noise=40.0, maps=SKY)


def reset_in_place(image: Any) -> dict[str, Any]:
    """Everything is reset, also that the pixels are to be replaced."""
    return during(image, User.reset, noise=40.0, output="replace")


def selected(image: Any) -> dict[str, Any]:
    """Something else is selected."""
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 10, 40, 30)
    Gimp.Selection.feather(image, 6.0)
    return during(image, lambda _: Gimp.Selection.invert(image), noise=40.0)


def deleted(image: Any) -> dict[str, Any]:
    """The second layer is deleted while the first is rendered; then the dialog is used again."""
    user, second = User(image), image.get_layers()[1]

    def acts() -> Acts:
        user.answer(OK)
        yield lambda: user.is_rendering
        image.remove_layer(second)
        yield lambda: user.problems
        user.config.set_property("noise", 10.0)
        yield lambda: preview(image)
        user.answer(CANCEL)

    return {"status": user.use(acts()), "problems": user.problems, "layers": tree(image)}


def deleted_and_cancelled(image: Any) -> dict[str, Any]:
    """The first layer is deleted and the render of the second cancelled."""
    user, first = User(image), image.get_layers()[0]

    def acts() -> Acts:
        user.answer(OK)
        yield lambda: user.finished
        image.remove_layer(first)
        user.answer(CANCEL)
        yield lambda: preview(image)
        user.answer(CANCEL)

    return {"status": user.use(acts()), "problems": user.problems, "layers": tree(image)}


def map_deleted(image: Any) -> dict[str, Any]:
    """A channel is deleted, and chosen as a map; then none is."""
    user = User(image)

    def acts() -> Acts:
        yield lambda: preview(image)
        image.remove_channel(image.get_channels()[0])
        user.config.set_property("maps", SKY)
        yield lambda: user.problems
        user.config.set_property("maps", "{}")
        user.answer(OK)

    return {"status": user.use(acts()), "problems": user.problems, "layers": tree(image)}


ALL = (reset, reset_in_place, selected, deleted, deleted_and_cancelled, map_deleted)
CASES = {each.__name__: each for each in ALL}
