"""Beam search against searching everything, and a beam of one against taking the best word."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from rnn_regexp.models.forward import States
from rnn_regexp.models.search import END, Search

RUNS, B, C, LONGEST = 2, 3, 3, 4


def table(seed: int, length: int = 1) -> Tensor:
    """Log-probabilities of the next word after each of the last words: (K, B, C, ..., C)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (RUNS, B, *[C] * (length + 1))
    return (2 * torch.randn(shape, generator=generator, dtype=torch.double)).log_softmax(dim=-1)


class Markov:
    """A decoder whose next word depends on the last two; its state is the word before the last."""

    def __init__(self, seed: int) -> None:
        self.log_p, self.steps = table(seed, 2), 0

    def __call__(self, last: Tensor, states: States | None) -> tuple[Tensor, States]:
        before = torch.zeros_like(last) if states is None else states[0][0][0][..., 0].long()
        self.steps += 1
        k = torch.arange(RUNS)[:, None]
        b = torch.arange(last.shape[1]) % B
        return self.log_p[k, b, before, last], (((last[..., None].double(),),),)

    def log_probability(self, k: int, b: int, words: tuple[int, ...]) -> float:
        before = last = END
        total = 0.0
        for word in words:
            total += self.log_p[k, b, before, last, word].item()
            before, last = last, word
        return total


def rank(log_p: float, length: int, alpha: float) -> float:
    """Wu et al. 2016, equation 14."""
    return log_p / ((5 + length) ** alpha / (5 + 1) ** alpha)


def all_ended() -> list[tuple[int, ...]]:
    """Every sequence of at most LONGEST words that ends, its end mark included."""
    inner = range(1, C)
    return [
        (*words, END)
        for count in range(LONGEST)
        for words in itertools.product(inner, repeat=count)
    ]


def found(search: Search, step: Markov) -> list[list[tuple[int, ...]]]:
    words = search(step, torch.ones(RUNS, B, dtype=torch.int64))
    return [[tuple(w for w in own if w >= 0) for own in run] for run in words.tolist()]


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_best_of_all(seed: int, alpha: float):
    step = Markov(seed)
    own = found(Search(C**LONGEST, alpha, LONGEST), step)
    for k, b in itertools.product(range(RUNS), range(B)):

        def value(words: tuple[int, ...], k: int = k, b: int = b) -> float:
            return rank(step.log_probability(k, b, words), len(words), alpha)

        best = max(all_ended(), key=value)
        assert (*own[k][b], END) == best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_of_one_takes_the_best_word_each_time(seed: int, alpha: float):
    step = Markov(seed)
    own = found(Search(1, alpha, LONGEST), step)
    for k, b in itertools.product(range(RUNS), range(B)):
        words: list[int] = []
        before = last = END
        while len(words) < LONGEST:
            word = int(step.log_p[k, b, before, last].argmax())
            if word == END:
                break
            words.append(word)
            before, last = last, word
        assert own[k][b] == tuple(words)


def test_the_width_matters_and_the_length_too():
    """Else the two tests above would say nothing of them."""
    results = {}
    for width, alpha in ((1, 0.0), (2, 0.0), (C**LONGEST, 0.0), (C**LONGEST, 3.0)):
        results[width, alpha] = [found(Search(width, alpha, LONGEST), Markov(s)) for s in range(6)]
    for one, other in itertools.combinations(results.values(), 2):
        assert one != other


def test_it_goes_on_no_longer_than_it_must():
    step = Markov(0)
    step.log_p[:] = torch.tensor([math.log(0.8), math.log(0.1), math.log(0.1)])
    assert found(Search(2, 0.0, LONGEST), step) == [[()] * B] * RUNS
    assert step.steps == 1


def test_what_never_ends_is_cut():
    step = Markov(0)
    step.log_p[:] = torch.tensor([-1e9, 0.0, -5.0])
    assert found(Search(3, 0.0, LONGEST), step) == [[(1,) * LONGEST] * B] * RUNS


def test_a_run_that_is_not_finite_disturbs_no_other():
    step, broken = Markov(1), Markov(1)
    broken.log_p[0] = torch.nan
    search = Search(3, 0.6, LONGEST)
    assert found(search, broken)[1] == found(search, step)[1]
