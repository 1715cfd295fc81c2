"""House rules, held by a test: who may import whom, and what no tracked file may contain.

Each test gathers every breach before it fails, so that one run shows all there is to mend.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sandbox.readme import between
from sandbox.reports import markdown

ROOT = Path(__file__).parent.parent
PACKAGE = "saleor_retention"
FUNCTION_LINES_MAX = 70

# Imports point inwards. A part that is not named here is in the second ring.
RINGS = {
    "engine": 0,
    "host": 2,
    "graphql": 2,
    "tasks": 2,
    "management": 2,
    "beat": 2,
    "checks": 2,
    "config_page": 2,
    "diagnosis": 2,
    "export": 2,
    "apps": 2,
    "unsubscribing": 2,
    "urls": 2,
    "plugin": 3,
}
# The inner rings see the host as a port: the protocol, and the adapter of the running Saleor behind
# `current()`.
PORT = {f"{PACKAGE}.host", f"{PACKAGE}.host.contract"}


def test_the_engine_is_pure() -> None:
    """The engine imports the standard library and itself, nothing else."""
    breaches = [
        f"{where}: {target}"
        for where, target in imports("engine")
        if target.partition(".")[0] not in sys.stdlib_module_names
        and not target.startswith(f"{PACKAGE}.engine")
    ]

    assert breaches == []


def test_the_engine_has_no_floats() -> None:
    """Money and points are integers, rates are fractions; a float in the engine is a mistake.

    The likeness of two words (difflib's cutoff) is neither.
    """
    breaches = [
        f"{where}:{node.lineno}"
        for where, tree in modules("engine")
        for node in _walk_without(tree, keyword="cutoff")
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "float")
    ]

    assert breaches == []


def test_only_the_host_adapters_import_saleor() -> None:
    """Saleor is imported in host/, and in plugin.py for the base class."""
    breaches = [
        f"{where}: {target}"
        for where, target in imports()
        if target.partition(".")[0] == "saleor"
        and not where.startswith(f"{PACKAGE}/host/")
        and (where, target) != (f"{PACKAGE}/plugin.py", "saleor.plugins.base_plugin")
    ]

    assert breaches == []


def test_imports_point_inwards() -> None:
    """A part imports from its own ring or from one further in; the host only through its port."""
    breaches = [
        f"{where}: {target}"
        for where, target in imports()
        if target.startswith(f"{PACKAGE}.")
        and target not in PORT
        and ring(target.split(".")[1]) > ring(where.split("/")[1].removesuffix(".py"))
    ]

    assert breaches == []


def test_adapters_are_chosen_in_one_place() -> None:
    """Nothing outside host/ names an adapter."""
    breaches = [
        f"{where}: {target}"
        for where, target in imports()
        if target.startswith(f"{PACKAGE}.host.saleor_") and not where.startswith(f"{PACKAGE}/host/")
    ]

    assert breaches == []


def test_documents_for_storefronts_are_no_package() -> None:
    """The top-level graphql folder must not hide graphql-core."""
    assert not (ROOT / "graphql" / "__init__.py").exists()


def test_functions_fit_on_a_screen() -> None:
    """No function is longer than seventy lines."""
    breaches = [
        f"{where}:{node.lineno} {node.name} has {length} lines"
        for where, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert breaches == []


def test_modules_say_what_they_are() -> None:
    """Every module that holds code begins with a docstring."""
    breaches = [
        where
        for where, tree in modules()
        if tree.body and not ast.get_docstring(tree) and "/migrations/" not in where
    ]

    assert breaches == []


def test_nothing_is_left_for_later() -> None:
    """No open ends: what is not done is not there."""
    words = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "Not" + "ImplementedError"]))

    assert lines_with(words, suffixes=(".py", ".sql", ".md", ".graphql", ".toml")) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No path of a machine, no address of a package registry."""
    homes = "|".join(["ro" + "ot", "ho" + "me", "wo" + "rk", "Us" + "ers"])
    registries = "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", r"://[^/ ]+/simple/"])
    pattern = re.compile(rf"(^|[^\w.])/({homes})/\w|{registries}")

    assert lines_with(pattern) == []


def test_the_readme_shows_the_recorded_runs() -> None:
    """The table of versions is rendered from docs/tested.json, never typed."""
    readme = (ROOT / "README.md").read_text()

    assert between(readme, "tested", markdown()) == readme


def ring(part: str) -> int:
    """Return how far out a part of the package is."""
    return RINGS.get(part, 1)


@cache
def tracked() -> tuple[str, ...]:
    """Return the tracked files, or all but ignored folders where this is no git checkout."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listing.returncode == 0 and listing.stdout:
        return tuple(name for name in listing.stdout.split("\0") if name and (ROOT / name).exists())
    return tuple(
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    )


def modules(part: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Yield the package's modules, or those of one part, with their syntax trees."""
    for file in sorted((ROOT / PACKAGE / part).rglob("*.py")):
        yield str(file.relative_to(ROOT)), _parse(file)


@cache
def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _walk_without(node: ast.AST, keyword: str) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.keyword) and child.arg == keyword):
            yield from _walk_without(child, keyword)


def imports(part: str = "") -> Iterator[tuple[str, str]]:
    """Yield (module file, absolute name) for every import, also those inside functions."""
    for where, tree in modules(part):
        package = list(Path(where).parent.parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((where, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                name = ".".join([*base, *([node.module] if node.module else [])])
                if name == PACKAGE:  # `from saleor_retention import host` is about host
                    yield from ((where, f"{name}.{alias.name}") for alias in node.names)
                else:
                    yield where, name


def lines_with(pattern: re.Pattern[str], suffixes: tuple[str, ...] = ()) -> list[str]:
    """Return every tracked line that matches, as file:line: text."""
    found = []
    for name in tracked():
        if suffixes and not name.endswith(suffixes):
            continue
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found
