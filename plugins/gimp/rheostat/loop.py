"""Loop: GLib's, as sessions want it."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import GLib


class GLibLoop:
    """The loop that GIMP's dialogs run."""

    def soon(self, act: Callable[[], None]) -> None:
        """Call once from the loop; may be asked from any thread."""

        def once() -> bool:
            act()
            return False

        GLib.idle_add(once)

    def repeat(self, milliseconds: int, act: Callable[[], bool]) -> None:
        """Call from the loop every so often, until it gives False."""
        GLib.timeout_add(milliseconds, act)
