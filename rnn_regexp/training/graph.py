"""A step recorded as a CUDA graph: one launch in place of a thousand.

A step of small networks costs more to launch than to compute.  A recording has no such cost, but
knows no Python: what it reads must stand in tensors, at the same place each time, and it may not
wait for the device (``.item()``, ``.tolist()``, ``.cpu()``, indexing by a mask).
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Call = Callable[[], Tensors]
Shapes = tuple[tuple[torch.Size, torch.dtype, torch.device], ...]


class Recorder:
    """Records a call on CUDA as torch's notes on CUDA graphs say, after warming up beside.

    All recordings share their working memory: none runs beside another.
    """

    warm_up = 3  # calls, in which libraries take their memory and kernels are compiled

    @cached_property
    def _pool(self) -> Any:
        return torch.cuda.graph_pool_handle()

    def __call__(self, call: Call) -> Call:
        """What replays ``call`` and returns its results, at the same place each time."""
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            for _ in range(self.warm_up):
                call()
        here.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            results = call()

        def replay() -> Tensors:
            graph.replay()
            return results

        return replay


class Graphed:
    """A function of tensors, with a recording for each set of shapes that comes again.

    ``function`` takes and returns tensors.  It may change those that ``state`` gives, in place;
    what else it reads must stay as it is.  The first call with new shapes runs it plainly.  The
    second records it, which warms up by running it: ``state`` is put back afterwards, so a call
    is one step whichever way it goes.  ``most`` bounds the recordings, each of which holds inputs
    and results of its own; further shapes run plainly.  Without a recorder, on CPU, all do.
    """

    def __init__(
        self,
        function: Callable[..., Tensors],
        state: Callable[[], Sequence[Tensor]],
        record: Callable[[Call], Call] | None,
        most: int = 32,
    ) -> None:
        self.function, self.state, self.most = function, state, most
        self._record = record
        self._seen: set[Shapes] = set()
        self._recorded: dict[Shapes, tuple[Tensors, Call]] = {}

    @classmethod
    def on(
        cls,
        device: torch.device,
        function: Callable[..., Tensors],
        state: Callable[[], Sequence[Tensor]],
    ) -> "Graphed":
        """Recordings where the device has them."""
        return cls(function, state, Recorder() if device.type == "cuda" else None)

    def __call__(self, *inputs: Tensor) -> Tensors:
        """``function(*inputs)``; the results are the caller's to keep."""
        shapes = tuple((own.shape, own.dtype, own.device) for own in inputs)
        if shapes not in self._recorded and not self._prepare(shapes, inputs):
            return self.function(*inputs)
        places, replay = self._recorded[shapes]
        for place, own in zip(places, inputs, strict=True):
            place.copy_(own)
        return tuple(result.clone() for result in replay())

    def _prepare(self, shapes: Shapes, inputs: Tensors) -> bool:
        """Record the function for these shapes, if they come again and there is room."""
        again = shapes in self._seen
        self._seen.add(shapes)
        if self._record is None or not again or len(self._recorded) >= self.most:
            return False
        places = tuple(own.detach().clone() for own in inputs)
        before = [own.detach().clone() for own in self.state()]
        replay = self._record(lambda: self.function(*places))
        with torch.no_grad():
            for own, old in zip(self.state(), before, strict=True):
                own.copy_(old)
        self._recorded[shapes] = places, replay
        return True
