"""Collects the product's sentences into the catalogue and compiles it: `make words`; translates nothing by itself."""

import ast
from collections.abc import Iterator
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
ROOTS = {"Shape", "Body"}
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
    for sentence in described():
        found.add(sentence)
    return found


def described() -> Iterator[str]:
    """What the docstrings of the API's calls, and of what these take and answer, say: the OpenAPI document holds it."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "scheduler" / "api").rglob("*.py"))]
    nodes = [node for tree in trees for node in tree.body]
    calls = [node for node in nodes if isinstance(node, ast.FunctionDef) and any(map(_describes, node.decorator_list))]
    found: list[ast.FunctionDef | ast.ClassDef] = [*calls, *_models([node for node in nodes if isinstance(node, ast.ClassDef)])]
    for node in found:
        first, _, rest = (ast.get_docstring(node) or "").partition("\n")
        yield from filter(None, (first.strip(), " ".join(rest.split())))


def _describes(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith("described.call")


def _models(classes: list[ast.ClassDef]) -> list[ast.ClassDef]:
    """Those that come of `Shape` or `Body`, by whatever way."""
    known, before = set(ROOTS), 0
    while len(known) > before:
        before = len(known)
        known |= {one.name for one in classes if known & {ast.unparse(base).rpartition(".")[2] for base in one.bases}}
    return [one for one in classes if one.name in known - ROOTS and one.bases]


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
