"""`python tools/texts.py`: the catalogs of every language hold every text, and no others.

Prints what is not translated yet, and fails if there is any.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from rheostat_client.texts import DOMAIN

REPOSITORY = Path(__file__).parents[1]
LOCALE = REPOSITORY / "plugins" / "client" / "rheostat_client" / "locale"
CODE = ("client", "gimp", "krita")  # folders of plugins/
WIDTH = 100
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def texts() -> Iterator[str]:
    """What the plug-ins and the models show, in English."""
    for folder in CODE:
        where = REPOSITORY / "plugins" / folder
        found = extract_from_dir(where, [("**.py", "python")], keywords={"_": None})
        yield from (str(text) for _, _, text, _, _ in found)
    for path in sorted((REPOSITORY / "models" / "zoo").glob("*/model.toml")):
        model = tomllib.loads(path.read_text("utf-8"))
        yield from (model["name"], model["summary"], *model.get("presets", {}))
        for control in model["controls"]:
            yield from (control["label"], control["help"], *control.get("ends", ()))
            yield control["unit"]


def updated(path: Path) -> Catalog:
    """The catalog in a file, with the texts there are now."""
    template = Catalog(domain=DOMAIN)
    for text in filter(None, texts()):
        template.add(text)
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem, domain=DOMAIN)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> bytes:
    """The file of a catalog."""
    file = BytesIO()
    write_po(file, catalog, width=WIDTH, no_location=True, omit_header=True, sort_output=True)
    return HEADER.format(language=catalog.locale).encode() + file.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(message.id) for message in catalog if message.id and not message.string]


def main() -> int:
    """Bring every catalog up to date; how many texts are untranslated."""
    missing = 0
    for path in sorted(LOCALE.glob("*.po")):
        catalog = updated(path)
        path.write_bytes(written(catalog))
        for text in untranslated(catalog):
            print(f"{path.name}: {text}")
            missing += 1
    return missing


if __name__ == "__main__":
    sys.exit(min(main(), 1))
