"""Collects the product's sentences into the catalogue and compiles it: `make words`; translates nothing by itself."""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "scheduler" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
METHODS = [("scheduler/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}


def sentences() -> Catalog:
    """Every sentence the source holds now."""
    found = Catalog()
    for folder in ("scheduler", "templates"):
        methods = [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in METHODS if pattern.startswith(folder)]
        options = {pattern.removeprefix("templates/"): value for pattern, value in OPTIONS.items()}
        for name, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, methods, options, keywords=KEYWORDS, comment_tags=(), strip_comment_tags=True
        ):
            found.add(message, locations=[(f"{folder}/{name}", 1)], flags=())
    return found


def catalogue() -> Catalog:
    """The Chinese catalogue as it is kept."""
    if not CATALOGUE.exists():
        return Catalog("zh", project="Scheduler", fuzzy=False)
    with CATALOGUE.open("rb") as file:
        return read_po(file, "zh")


def compiled(words: Catalog) -> bytes:
    """What the product loads at start."""
    file = BytesIO()
    write_mo(file, words)
    return file.getvalue()


def main() -> None:
    """Bring the catalogue up to date: new sentences untranslated, gone ones dropped, nothing guessed."""
    words = catalogue()
    words.update(sentences(), no_fuzzy_matching=True)
    words.obsolete.clear()
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as file:
        write_po(file, words, width=120, no_location=True, omit_header=False, sort_output=True, ignore_obsolete=True)
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(words))
    missing = [message.id for message in words if message.id and not message.string]
    print(f"{len(words)} sentences, {len(missing)} not translated")
    for text in missing:
        print(f"  {text!r}")


if __name__ == "__main__":
    main()
