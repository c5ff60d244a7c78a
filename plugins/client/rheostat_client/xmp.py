"""XMP: the packet of a picture's file in which the settings record goes from program to program.

Other programs write the packet anew and keep what they do not know, as an attribute or an element.
"""

from __future__ import annotations

import re
from html import unescape
from xml.sax.saxutils import quoteattr

from .settings import MAX_BYTES

NAME = b"rheostat:settings"
MAX_ESCAPED = 6 * MAX_BYTES  # every character may be an entity
_END = b"</rdf:RDF>"
_OPEN = b'<rdf:Description rdf:about="" xmlns:rheostat="urn:rheostat"'
_RECORD = re.compile(
    rb"\s*<" + NAME + rb">([^<]*)</" + NAME + rb">|\s*" + NAME + rb"=(?:\"([^\"]*)\"|'([^']*)')"
)
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def find(data: bytes) -> str | None:
    """The record in a packet, or in a part of one; None if there is none."""
    found = _RECORD.search(data)
    if found is None or len(found[0]) > MAX_ESCAPED:
        return None
    text: bytes = next(group for group in found.groups() if group is not None)
    return unescape(text.decode("utf-8", "replace"))


def split(xmp: bytes | None) -> tuple[bytes | None, str | None]:
    """The packet without the record, and the record; None for what is not there."""
    record = find(xmp) if xmp else None
    if xmp is None or record is None:
        return xmp, None
    rest = _RECORD.sub(b"", xmp).replace(_OPEN + b"/>", b"")
    return (None if rest == _EMPTY else rest), record


def join(xmp: bytes | None, record: str | None) -> bytes | None:
    """The packet with the record in it; the rest of it is not touched.

    A packet that does not look like XMP is given back as it is.
    """
    if record is None:
        return xmp
    packet = _EMPTY if xmp is None else xmp
    before, end, after = packet.rpartition(_END)
    if not end:
        return xmp
    attribute = b" " + NAME + b"=" + quoteattr(record).encode()
    return before + _OPEN + attribute + b"/>" + end + after
