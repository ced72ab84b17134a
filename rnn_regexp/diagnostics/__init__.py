"""What goes on inside a network while it trains: named numbers for each run, epoch by epoch.

``training.diagnostics=[gradient_flow, spectrum]`` chooses among them; they change no result.
"""

from collections.abc import Callable
from enum import Enum

from torch import Tensor

from rnn_regexp.diagnostics.gradient_flow import gradient_flow
from rnn_regexp.diagnostics.saturation import saturation
from rnn_regexp.diagnostics.sparsity import sparsity
from rnn_regexp.diagnostics.spectrum import spectrum
from rnn_regexp.diagnostics.view import View


class Diagnostic(Enum):
    """Names of the diagnostics."""

    gradient_flow = "gradient_flow"
    spectrum = "spectrum"
    saturation = "saturation"
    sparsity = "sparsity"


ALL: dict[Diagnostic, Callable[[View], dict[str, Tensor]]] = {
    Diagnostic.gradient_flow: gradient_flow,
    Diagnostic.spectrum: spectrum,
    Diagnostic.saturation: saturation,
    Diagnostic.sparsity: sparsity,
}


def diagnose(asked: list[Diagnostic], view: View) -> dict[str, Tensor]:
    """The numbers (K,) by name: ``diagnostics/<diagnostic>/...``."""
    return {
        f"diagnostics/{own.name}/{name}": value
        for own in asked
        for name, value in ALL[own](view).items()
    }


__all__ = ["ALL", "Diagnostic", "View", "diagnose"]
