r"""LaTeX that can be \input: compiled where there is a TeX, parsed everywhere."""

import re
import shutil
import subprocess

import pytest

from rnn_regexp.report.latex_text import latex, latex_number, slug
from rnn_regexp.report.write import write_report

NASTY = r"""\input{x} {a} $b$ & # % _ ^ ~ <c> |d| "e" 'f' `g` [h] *i* -- --- ,, !` − × … 日 é"""
PAPER = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,graphicx,longtable,textcomp}
\begin{document}
\newcommand{\reportfigures}{%s}
\input{%s}
\end{document}
"""


@pytest.fixture(scope="module")
def text(written_study, tmp_path_factory) -> str:
    folder = shutil.copytree(written_study, tmp_path_factory.mktemp("tex") / "four_knobs")
    return write_report(folder).folder / "report.tex"


def test_environments_and_braces_are_closed_in_their_turn(text):
    lines = text.read_text().splitlines()
    body = "\n".join(line for line in lines if not line.startswith("%"))
    opened = []
    for begin, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if begin == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    bare = re.sub(r"\\[{}]", "", body)
    assert bare.count("{") == bare.count("}")


def test_every_row_has_as_many_cells_as_its_table_has_columns(text):
    tables = re.findall(
        r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}(.*?)\\end\{tabular\}", text.read_text(), re.DOTALL
    )
    assert len(tables) >= 3
    for form, body in tables:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        cells = [line for line in rows if r"\multicolumn" not in line]
        assert len(cells) > 3
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in cells} == {len(form)}


def test_figures_are_files_beside_it(text):
    names = re.findall(r"\\includegraphics\[[^]]*\]\{\\reportfigures/([^}]+)\}", text.read_text())
    assert len(names) == 1 + 4 + 4 + 1
    assert all((text.parent / "figures" / name).exists() for name in names)


def test_special_characters_are_commands():
    shown = latex(NASTY)
    assert not re.search(r"(?<!\\)[$&#%_^~]", shown.replace("$-$", "").replace(r"$\times$", ""))
    assert r"\textbackslash{}input\{x\}" in shown
    assert "--" not in shown
    assert r"\reportchar{日}{65E5}" in shown
    assert "é" in shown
    assert latex("a\nb\x00c") == "a b c"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("-0.5 [-1.0, 2e-05]", "$-$0.5 {[}$-$1.0, 2e$-$05{]}"),
        ("-", r"\textendash{}"),
        ("<0.001", r"\textless{}0.001"),
        ("", ""),
    ],
)
def test_numbers_have_real_minus_signs(cell, shown):
    assert latex_number(cell) == shown


def test_a_slug_is_safe_in_a_label_and_in_a_path():
    assert slug("a b/c%d") == "a-b-c-d"
    assert slug("../..") == "study"


def compiled(folder, body: str, name: str) -> str:
    """The text of the paper with ``body`` in place of its report."""
    (folder / "paper.tex").write_text(body)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_it_compiles_with_nothing_beyond_the_margin(text, tmp_path):
    said = compiled(tmp_path, PAPER % (text.parent / "figures", text), "report")
    assert "Overfull" not in said
    assert "undefined" not in said.lower()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_any_text_compiles(tmp_path):
    from rnn_regexp.report.latex_text import PREAMBLE

    row = rf"{latex(NASTY)} \\ {latex(NASTY)} \\"
    table = rf"\caption{{{latex(NASTY)}}} \begin{{tabular}}{{l}} {row} \end{{tabular}}"
    body = PAPER.split(r"\newcommand")[0] + PREAMBLE + rf"\begin{{table}}{table}\end{{table}}"
    compiled(tmp_path, body + "\n\\end{document}\n", "nasty")
