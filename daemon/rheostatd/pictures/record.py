"""The settings record inside an XMP packet, where TIFF, JPEG and WebP carry it."""

from __future__ import annotations

import re
from html import unescape
from xml.sax.saxutils import quoteattr

from rheostat_client.settings import MAX_BYTES

_END = b"</rdf:RDF>"
_OPEN = b'<rdf:Description rdf:about="" xmlns:rheostat="urn:rheostat" rheostat:settings='
_BLOCK = re.compile(re.escape(_OPEN) + rb'("[^"]*"|\'[^\']*\')/>')
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def split(xmp: bytes | None) -> tuple[bytes | None, str | None]:
    """The packet without the record, and the record; None for what is not there."""
    found = _BLOCK.search(xmp) if xmp else None
    if xmp is None or found is None or len(found[0]) > 2 * MAX_BYTES:
        return xmp, None
    rest = _BLOCK.sub(b"", xmp)
    text = unescape(found[1][1:-1].decode("utf-8", "replace"))
    return (None if rest == _EMPTY else rest), text


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
    return before + _OPEN + quoteattr(record).encode() + b"/>" + end + after
