"""Logs: one line for each event, `key=value`, in a file that does not grow without end."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from structlog.processors import LogfmtRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level

MAX_LOG = 4 * 1024**2  # bytes, then it begins anew and the old one is kept


def log_to(path: Path) -> None:
    """Send everything from the level `info` on to `path`, and to the terminal if there is one."""
    handlers: list[logging.Handler] = [
        RotatingFileHandler(path, maxBytes=MAX_LOG, backupCount=1, encoding="utf-8")
    ]
    if sys.stderr.isatty():  # else it may be this very file, given by the client that started us
        handlers.append(logging.StreamHandler())
    lines = ProcessorFormatter(
        foreign_pre_chain=[
            TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f", utc=False, key="time"),
            add_log_level,
            ExtraAdder(),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            format_exc_info,
            LogfmtRenderer(key_order=("time", "level", "event"), drop_missing=True),
        ],
    )
    for handler in handlers:
        handler.setFormatter(lines)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
