"""The tape freezes what a CUDA graph freezes, and refuses what it refuses."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rnn_regexp.training.graph import Call, Graphed
from tests.training.tape import Tape, Taping


class Step:
    """Something that changes from call to call, in each of the ways that Python knows."""

    def __init__(self) -> None:
        self.number = 2.0
        self.tensor = torch.tensor([2.0])
        self.named = {"x": self.tensor}

    def __call__(self, tensors: tuple[Tensor, ...], _: object = None) -> tuple[Tensor, ...]:
        (x,) = tensors
        return (x * self.number * self.named["x"] * self.tensor,)

    def changed(self, how: str) -> float:
        """What the step is now worth, and what it is worth where the change is not seen."""
        if how == "number":
            self.number = 3.0
        elif how == "assigned":
            self.tensor = torch.tensor([3.0])
        elif how == "entry":
            self.named["x"] = torch.tensor([3.0])
        else:
            self.tensor.copy_(torch.tensor([3.0]))
        return float(self((torch.ones(1),))[0])


@pytest.mark.parametrize(
    ("how", "seen"), [("number", False), ("assigned", False), ("entry", False), ("copied", True)]
)
def test_only_what_is_changed_in_place_is_seen(how: str, seen: bool):
    step = Step()
    graphed = Graphed(step, list, Taping())
    for _ in range(3):
        assert graphed((torch.ones(1),))[0] == 8
    now = step.changed(how)
    assert now != 8
    assert graphed((torch.ones(1),))[0] == (now if seen else 8)


def test_shapes_and_views_stay_as_they_stood():
    x, w = torch.ones(2, 3), torch.zeros(3)

    def call() -> tuple[Tensor, ...]:
        turned = (x + 1).t_()  # the sum's own shape is turned after it was computed
        w.add_(turned[:, 0])
        return (turned.unsqueeze_(0),)

    replay = Taping()(call)
    w.zero_()
    x.mul_(2)
    (found,) = replay()
    assert torch.equal(found, torch.full((1, 3, 2), 3.0))
    assert torch.equal(w, torch.full((3,), 3.0))
    assert replay()[0] is found


def test_gradients_are_replayed():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    replay = Taping()(lambda: torch.autograd.grad((w**3).sum(), w))
    for value in (2.0, -3.0):
        with torch.no_grad():
            w.fill_(value)
        assert torch.equal(replay()[0], torch.full((2,), 3 * value**2))


REFUSED: dict[str, tuple[str, Callable[[Tensor], object]]] = {
    "item": ("asks for values", lambda x: float(x.sum())),
    "condition": ("asks for values", lambda x: bool((x > 0).any())),
    "mask": ("asks for values", lambda x: x[x > 0]),
    "nonzero": ("asks for values", lambda x: x.nonzero()),
    "equal": ("asks for values", lambda x: torch.equal(x, x + 1)),
    "random": ("draws from a generator", torch.rand_like),
    "numbers": ("copies from the host", lambda x: x + torch.tensor([1.0, 2.0])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_waits_for_the_device_is_refused(name: str):
    why, look = REFUSED[name]
    with pytest.raises(RuntimeError, match=f"{why}: operation not permitted"), Tape():
        look(torch.ones(2))


def test_a_number_and_an_index_of_tensors_are_no_question():
    x, index = torch.arange(4.0), torch.tensor([2, 0])

    def call() -> tuple[Tensor, ...]:
        x[0] = 5.0
        return (x[index] * torch.tensor(2.0),)

    replay: Call = Taping()(call)
    index.copy_(torch.tensor([0, 3]))
    x.zero_()
    assert replay()[0].tolist() == [10, 0]
