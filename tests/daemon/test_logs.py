"""The log: a line an event, with fields a program can read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, sys
from pathlib import Path
from rheostatd.logs import log_to
log_to(Path(sys.argv[1]))
log = logging.getLogger("rheostatd.test")
log.debug("hidden")
log.info("done", extra={"job": "abc", "model": "denoise", "milliseconds": 12})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed", extra={"job": "two words"})
"""


def test_events_are_lines_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    subprocess.run([sys.executable, "-c", SCRIPT, path], check=True)
    done, failed = path.read_text().splitlines()
    assert done.startswith("time=")
    assert done.endswith("level=info event=done job=abc model=denoise milliseconds=12")
    assert 'job="two words"' in failed
    assert "ZeroDivisionError" in failed
