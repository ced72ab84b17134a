"""The shape of the code, measured: refuses long functions, long files, deep and nameless modules.

Usage: ``python scripts/check_structure.py [ROOT]``. Prints one line for each fault and exits with
1, else one line with the measured lengths. import-linter checks what may import what.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

CODE = ("rnn_regexp", "hydra_plugins", "scripts")
FILE_LINES, FUNCTION_LINES, MEDIAN_FUNCTION_LINES, DEPTH = 300, 50, 10, 3
NAMELESS = {"common", "helpers", "misc", "util", "utils"}


def functions(source: str) -> Iterator[tuple[str, int, int]]:
    """Name, first line and number of lines of each function, docstring and signature included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def file_faults(path: Path, source: str) -> Iterator[str]:
    """What is wrong with one file; ``path`` is relative to the repository."""
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, allowed are {FILE_LINES}"
    if len(path.parts) > DEPTH:
        yield f"{path}: a module stands at most one folder below its package"
    if path.stem in NAMELESS:
        yield f"{path}: a module is named after its concept, not {path.stem!r}"
    for name, line, length in functions(source):
        if length > FUNCTION_LINES:
            yield f"{path}:{line}: {name} has {length} lines, allowed are {FUNCTION_LINES}"


def sources(root: Path) -> dict[Path, str]:
    """The text of every Python file of the project, tests aside."""
    paths = sorted(path for folder in CODE for path in (root / folder).rglob("*.py"))
    return {path.relative_to(root): path.read_text(encoding="utf-8") for path in paths}


def faults(files: dict[Path, str]) -> list[str]:
    """All that is wrong, one line each."""
    found = [fault for path, source in files.items() for fault in file_faults(path, source)]
    if Path("hydra_plugins/__init__.py") in files:
        found.append("hydra_plugins/__init__.py: the namespace is shared with other Hydra plugins")
    if (typical := function_lengths(files)[0]) > MEDIAN_FUNCTION_LINES:
        found.append(f"median function: {typical:g} lines, allowed are {MEDIAN_FUNCTION_LINES}")
    return found


def function_lengths(files: dict[Path, str]) -> tuple[float, int]:
    """Median and maximum of the lengths of all functions."""
    lengths = [length for source in files.values() for _, _, length in functions(source)] or [0]
    return median(lengths), max(lengths)


def main(root: Path) -> int:
    files = sources(root)
    for fault in (found := faults(files)):
        print(fault)
    lines = [len(source.splitlines()) for source in files.values()] or [0]
    typical, longest = function_lengths(files)
    print(
        f"structure: {len(files)} files, median {median(lines):g} and at most {max(lines)} lines;"
        f" functions median {typical:g} and at most {longest} lines"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
