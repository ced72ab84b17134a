"""A recorder on CPU that freezes what a CUDA graph freezes and refuses what it refuses.

A recording is a list of operations with the memory that each reads and writes.  Replaying makes
them again on the same memory, where no Python runs: a number, a shape, a tensor that was put in
another's place since, all stand as they stood when the step was recorded.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from rnn_regexp.training.graph import Call, Recorder, Tensors

ASKING = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


class Operation(NamedTuple):
    """An operation, the memory it reads or changes, and where its own results stand."""

    function: OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: dict[int, Tensor]  # by number, those that take memory of their own

    def again(self) -> None:
        """Make it on the same memory."""
        found = tree_leaves(self.function(*self.args, **self.kwargs))
        for number, place in self.results.items():
            place.copy_(found[number])


class Tape(TorchDispatchMode):
    """The operations made under it, forward and backward.

    Raises ``RuntimeError`` where a CUDA graph cannot record one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    def __torch_dispatch__(
        self,
        function: OpOverload,
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        for why in refusals(function, args):
            raise RuntimeError(f"{function} {why}: operation not permitted when taping")
        # A detached tensor keeps memory, shape and strides, whatever becomes of the one it is of.
        own = tree_map_only(Tensor, Tensor.detach, (args, kwargs or {}))
        found = function(*args, **kwargs or {})
        if torch.Tag.inplace_view not in function.tags:  # that moves no data
            self.operations.append(Operation(function, *own, _new(own, found)))
        return found

    def replay(self) -> None:
        """Make every operation again, in order."""
        for operation in self.operations:
            operation.again()


def refusals(function: OpOverload, args: tuple[Any, ...]) -> Iterator[str]:
    """Why an operation cannot be recorded."""
    tensors = [own for own in tree_leaves(args) if isinstance(own, Tensor)]
    by_mask = any(own.dtype is torch.bool for own in tensors[1:])
    indexing = function is torch.ops.aten.index.Tensor
    if any(tag in function.tags for tag in ASKING) and (by_mask or not indexing):
        yield "asks for values"
    if torch.Tag.nondeterministic_seeded in function.tags:
        yield "draws from a generator"
    if function is torch.ops.aten.lift_fresh.default and tensors[0].dim():
        yield "copies from the host"


def _new(before: Any, found: Any) -> dict[int, Tensor]:
    """The tensors among ``found`` that share no memory with those ``before``, by number."""
    known = {_memory(own) for own in tree_leaves(before) if isinstance(own, Tensor)}
    return {
        number: own.detach()
        for number, own in enumerate(tree_leaves(found))
        if isinstance(own, Tensor) and _memory(own) not in known
    }


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


class Taping:
    """In the place of ``Recorder``: warms up and records on tapes; counts what it does."""

    def __init__(self) -> None:
        self.recordings = self.replays = 0

    def __call__(self, call: Call) -> Callable[[], Tensors]:
        self.recordings += 1
        for _ in range(Recorder.warm_up):
            call()
        with Tape() as tape:
            results = call()

        def replay() -> Tensors:
            self.replays += 1
            tape.replay()
            return results

        return replay
