"""State reset: a stream forgets what was carried over, now and then."""

from collections.abc import Iterator
from dataclasses import dataclass

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import State
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.subject import Subject


@dataclass
class StateReset(Regularizer):
    """Start a stream's next window from zero states with probability ``rate``.

    (h_0, c_0) of all layers is multiplied by m ~ Bernoulli(1 - rate), one for each stream and
    window, so that the model also learns to begin.  The authors' published configurations all
    have rate .01 (``drop_state_probability``).
    """

    source = "Melis et al. 2018 (code: deepmind/lamb)"

    rate: float = per_run(0.0, "[0, 1)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not subject.carries:
            yield "", f"no states are carried over on the task {subject.task}"

    def transform_states(self, states: State, place: Place, noise: Noise | None) -> State:
        if noise is None or not states:
            return states
        kept = noise.keep("state_reset", (place.sequences, 1), self.rate)  # (K, B, 1)
        return tuple(state * kept for state in states)
