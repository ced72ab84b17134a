"""Clipping by tensor and by rows, Autoclip, ZClip, gradient noise and SAM by their equations."""

import numpy as np
import pytest
import torch
from torch.nn.utils import clip_grad_norm_

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.autoclip import Autoclip
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.gradient_noise import GradientNoise
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.zclip import Zclip
from rnn_regexp.training.evaluate import carried
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.training.step import losses
from rnn_regexp.weights import Weights
from tests.regularizers.catalogue import CPU, random_weights, remembering, update_of
from tests.training.tiny import cohort, run, watch


def scaled(weights: Weights, factors: list[float]) -> Weights:
    weights.gradient.mul_(torch.tensor(factors)[:, None])
    return weights


def test_by_tensor_is_torchs_clipping_of_each_parameter():
    weights = scaled(random_weights(), [1.0, 0.1, 5.0])
    before = {name: own.clone() for name, own in weights.gradients.items()}
    update = update_of(weights)
    settings = [Clip(1.0, By.tensor), Clip(1e9, By.tensor), Clip(0.5, By.tensor)]
    stack(settings, CPU).transform_gradients(weights, update)
    for k, own in enumerate(settings):
        for name, gradient in before.items():
            parameter = torch.zeros_like(gradient[k], requires_grad=True)
            parameter.grad = gradient[k].clone()
            clip_grad_norm_([parameter], own.threshold)
            torch.testing.assert_close(weights.gradients[name][k], parameter.grad)
    assert update.clipped.tolist() == [True, False, True]


def adaptive(w: np.ndarray, g: np.ndarray, share: float) -> np.ndarray:
    """Equation 3 of Brock et al., row by row."""
    w_norm = np.maximum(np.linalg.norm(w, axis=-1, keepdims=True), 1e-3)
    g_norm = np.linalg.norm(g, axis=-1, keepdims=True)
    return np.where(g_norm / w_norm > share, share * w_norm / g_norm * g, g)


def test_adaptive_clips_each_row_by_the_size_of_its_weights():
    weights = scaled(random_weights(), [1.0, 1e-3, 3.0])
    with torch.no_grad():
        weights["head.b_y"][0] = 0  # smaller than the least size
    before = {name: own.numpy().copy() for name, own in weights.gradients.items()}
    update = update_of(weights)
    stack([Clip(share, By.adaptive) for share in (0.5, 0.5, 0.01)], CPU).transform_gradients(
        weights, update
    )
    for name, gradient in weights.gradients.items():
        for k, share in enumerate((0.5, 0.5, 0.01)):
            expected = adaptive(weights[name][k].detach().numpy(), before[name][k], share)
            np.testing.assert_allclose(gradient[k].numpy(), expected, rtol=1e-12)
    assert update.clipped.tolist() == [True, False, True]


def norms_after(own: Regularizer, norms: np.ndarray) -> np.ndarray:
    """What becomes of gradients of the given norms (S, K), step by step."""
    weights = random_weights(norms.shape[1])
    remembering(own, weights)
    found = []
    for row in norms:
        unit = weights.gradient / torch.linalg.vector_norm(weights.gradient, dim=1)[:, None]
        weights.gradient.copy_(unit * torch.tensor(row)[:, None])
        own.transform_gradients(weights, update_of(weights))
        found.append(torch.linalg.vector_norm(weights.gradient, dim=1).numpy())
    return np.array(found)


def random_norms(steps: int, runs: int) -> np.ndarray:
    drawn = np.random.default_rng(0).lognormal(size=(steps, runs))
    drawn[::7] *= 20
    return drawn


def test_autoclip_bounds_by_the_percentile_of_the_norms_so_far():
    norms = random_norms(40, 4)
    settings = [Autoclip(10.0), Autoclip(50.0), Autoclip(100.0), Autoclip(0.0)]
    found = norms_after(stack(settings, CPU), norms)
    for k, own in enumerate(settings):
        for t in range(40):
            theta = np.percentile(norms[: t + 1, k], own.percentile)
            assert found[t, k] == pytest.approx(min(norms[t, k], theta), rel=1e-9)


def test_autoclip_forgets_norms_beyond_its_history():
    norms = random_norms(30, 1)
    found = norms_after(stack([Autoclip(10.0, history=5)], CPU), norms)
    for t in range(30):
        theta = np.percentile(norms[max(0, t - 4) : t + 1, 0], 10)
        assert found[t, 0] == pytest.approx(min(norms[t, 0], theta), rel=1e-9)


def zclipped(norms: np.ndarray, own: Zclip) -> list[float]:
    """The reference's procedure: moments of the warm-up, then moving ones of what is left."""
    mean = variance = 0.0
    found = []
    for t, norm in enumerate(norms):
        if t < own.warmup:
            found.append(norm)
            mean, variance = np.mean(norms[: t + 1]), np.var(norms[: t + 1])
            continue
        z = (norm - mean) / (variance**0.5 + 1e-6)
        left = norm
        if z > own.threshold:
            left = mean + own.threshold * variance**0.5 / (z / own.threshold)
        found.append(left)
        mean = own.alpha * mean + (1 - own.alpha) * left
        variance = own.alpha * variance + (1 - own.alpha) * (left - mean) ** 2
    return found


def test_zclip_follows_the_reference():
    norms = random_norms(60, 3)
    settings = [Zclip(2.5), Zclip(0.5, alpha=0.8, warmup=4), Zclip()]
    found = norms_after(stack(settings, CPU), norms)
    for k, own in enumerate(settings):
        np.testing.assert_allclose(found[:, k], zclipped(norms[:, k], own), rtol=1e-5)
    assert (found[:, 1] < 0.9 * norms[:, 1]).sum() > 5
    np.testing.assert_allclose(found[:, 2], norms[:, 2], rtol=1e-14)


@pytest.mark.parametrize("step", [0, 99])
def test_gradient_noise_has_the_variance_of_its_step(step: int):
    weights = Weights.zeros(random_weights().specs * 1, 2, torch.double, CPU)
    own, drawn = stack([GradientNoise(0.3), GradientNoise(1.0, gamma=0.0)], CPU), []
    for seed in range(200):
        weights.gradient.zero_()
        update = update_of(weights)
        update.noise = Noise(torch.tensor([seed, seed + 1000]), step)
        own.transform_gradients(weights, update)
        drawn.append(torch.cat([own.flatten(1) for own in weights.gradients.values()], dim=1))
    values = torch.cat(drawn, dim=1)  # (2, 200 * P)
    for k, variance in enumerate((0.3 / (1 + step) ** 0.55, 1.0)):
        count = values.shape[1]
        assert abs(values[k].mean()) < 4 * (variance / count) ** 0.5
        assert values[k].var().item() == pytest.approx(variance, rel=4 * (2 / count) ** 0.5)


def test_gradient_noise_leaves_runs_alone_that_make_no_step():
    weights = random_weights()
    before, update = weights.gradient.clone(), update_of(weights)
    update.stepping[1] = False
    stack([GradientNoise(1.0)] * 3, CPU).transform_gradients(weights, update)
    assert torch.equal(weights.gradient[1], before[1])
    assert not torch.equal(weights.gradient[0], before[0])


def test_sam_steps_with_the_gradient_at_the_worst_point_under_the_same_masks():
    own = cohort(run(Sam(0.3), Dropout(0.5), optimizer=SGD(0.1)), epochs=1, batch_size=11)
    start = own.weights.flat.detach().clone()
    batch = next(
        own.task.batches(own.split("train"), Noise(own.seeds, 1), own.batching(Noise(own.seeds, 1)))
    )

    def gradient(flat: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            own.weights.flat.copy_(flat)
        _, total = losses(own, batch, Noise(own.seeds, 0), carried(own, None, True))
        own.weights.differentiate(total)
        return own.weights.gradient.clone()

    here = gradient(start)
    there = gradient(start + 0.3 * here / here.norm())
    with torch.no_grad():
        own.weights.flat.copy_(start)
    _, journal = watch(own)
    torch.testing.assert_close(journal.weights[1], start - 0.1 * there, rtol=1e-9, atol=1e-11)
    assert not torch.allclose(here, there, rtol=1e-3)
