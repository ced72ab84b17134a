"""The sites of a forward pass, called one by one on a technique of a cohort."""

from collections.abc import Callable

import torch
from torch import Tensor

from rnn_regexp.models.forward import layer_weights
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Place, Regularizer, Site
from rnn_regexp.training.cohort import Cohort

T, B = 5, 4


def numbers(own: Cohort, *shape: int) -> Tensor:
    """Any activations: (K, *shape), the same for each run."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(shape, generator=generator, dtype=torch.double)
    return drawn.to(own.weights.flat).expand(own.runs, *shape)


def ids(own: Cohort) -> Tensor:
    """Token ids (K, T, B), some of them more than once."""
    words = torch.arange(T * B).view(T, B) % (len(own.task.data.vocabulary) or 7)
    return words.expand(own.runs, T, B)


def place(own: Cohort, T: int = T, B: int = B) -> Place:
    """The only or the upper layer's."""
    layer = own.model.layers - 1
    like = own.weights[f"layer{layer}.0.W_hh"]
    return Place(layer, 0, own.model.cell, T, B, own.model.hidden, like)


def weights(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    effective = dict(own.weights)
    it.transform_weights(effective, noise)
    return effective


def tokens(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    return {"tokens": it.transform_tokens(ids(own), noise)}


def embedded(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    x = numbers(own, T, B, own.model.embedding)
    return {"embedded": it.transform_embedded(x, ids(own), noise)}


def activations(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    H = own.model.hidden
    shapes = {Site.input: (T, B, 3), Site.between: (T, B, H), Site.output: (B, H)}
    return {
        site.name: it.transform_activations(site, 1, numbers(own, *shape), noise)
        for site, shape in shapes.items()
    }


def states(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    state = tuple(numbers(own, B, own.model.hidden) for _ in range(own.model.cell.states))
    after = it.transform_states(state, place(own), noise)
    return {f"state {index}": one for index, one in enumerate(after)}


def cell(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    here = place(own)
    parts = layer_weights(own.weights, here)
    step, parts = it.transform_cell(here.cell, parts, own.weights, here, noise)
    before = tuple(numbers(own, B, own.model.hidden) for _ in range(here.cell.states))
    x = numbers(own, B, parts[1].shape[1])
    return {f"next {i}": s for i, s in enumerate(step.step(x, before, parts[1], parts[3]))}


def recurrent(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    found = it.recurrent_noise(place(own), noise)
    return {} if found is None else found.present()


def targets(own: Cohort, it: Regularizer, noise: Noise | None) -> dict[str, Tensor]:
    one_hot = torch.eye(3).repeat(2, 1).to(own.weights.flat).expand(own.runs, 6, 3)
    return {"targets": one_hot if noise is None else it.transform_targets(one_hot, noise)}


# The name of the method, and how to call it: tensors (K, ...) by name.
SITES: dict[str, Callable[[Cohort, Regularizer, Noise | None], dict[str, Tensor]]] = {
    "transform_weights": weights,
    "transform_tokens": tokens,
    "transform_embedded": embedded,
    "transform_activations": activations,
    "transform_states": states,
    "transform_cell": cell,
    "recurrent_noise": recurrent,
    "transform_targets": targets,
}
NOTHING = Regularizer()


def untouched(own: Cohort, site: str, found: dict[str, Tensor]) -> bool:
    """Whether what a site gave back is bitwise what it was given."""
    if site == "recurrent_noise":
        return all(
            (mask == (0 if name.startswith("zoneout") else 1)).all() for name, mask in found.items()
        )
    given = SITES[site](own, NOTHING, None)
    return all(torch.equal(found[name], given[name]) for name in given)
