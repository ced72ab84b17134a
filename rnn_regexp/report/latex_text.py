"""Any text as LaTeX that prints it and does nothing else."""

import re

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a table's row it would be an argument
    "]": "{]}",
    "*": "{*}",
    "−": "$-$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "·": r"\textperiodcentered{}",
    "…": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
}
# pdfTeX has few characters beyond Latin: there the number stands for the character.
PREAMBLE = r"""\providecommand{\reportchar}[2]{%
  \ifdefined\XeTeXversion#1\else\ifdefined\directlua#1\else U+#2\fi\fi}"""


def latex(text: object) -> str:
    """The text, its special characters as commands, on one line."""
    shown = "".join(map(_character, " ".join(str(text).split())))
    return re.sub(r"([-,])(?=\1)", r"\1{}", shown)  # two are no dash and no quotation mark


def latex_number(text: str) -> str:
    """A cell of numbers: every minus a real one."""
    return latex(re.sub(r"-(?=[\d.])", "−", text)) if text != "-" else r"\textendash{}"


def slug(text: str) -> str:
    """A name for labels and files: letters, digits, full stops, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "study"


def _character(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    if not character.isprintable():
        return " "
    latin = character < "\u0180" and (character.isascii() or character.isalpha())
    return character if latin else rf"\reportchar{{{character}}}{{{ord(character):04X}}}"
