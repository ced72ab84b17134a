"""The techniques of a cohort: found by name, acting in one order, summed into the loss."""

import pytest
import torch

from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.stack import RegularizerStack
from rnn_regexp.regularizers.weight_decay import WeightDecay
from tests.regularizers.catalogue import CPU, name_of, random_weights, strong, trace, update_of


def test_a_name_that_no_technique_has_is_refused():
    sets = [{}, {"clip": Clip(1.0), "clipping": Clip(1.0), "L2": L2(0.1)}]
    with pytest.raises(ValueError, match=r"^unknown regularizers: L2, clipping$"):
        RegularizerStack(sets, CPU)


def test_all_act_in_one_order_however_they_are_listed():
    listed = {name_of(own): strong(own) for own in reversed(ALL)}
    assert [type(own) for own in RegularizerStack([listed], CPU).active.values()] == list(ALL)


def test_decay_is_added_to_the_clipped_gradient():
    weights = random_weights(1)
    sets = [{"weight_decay": WeightDecay(0.5), "clip": Clip(0.01)}]
    expected = 0.5 * weights.flat.clone()
    update = update_of(weights)
    expected += weights.gradient * (0.01 / (update.norm + 1e-6))[:, None]
    RegularizerStack(sets, CPU).before_step(weights, update)
    torch.testing.assert_close(weights.gradient, expected, rtol=1e-12, atol=1e-16)


def test_each_runs_penalties_are_those_that_it_asks_for():
    weights = random_weights(3)
    sets = [{"l1": L1(0.1)}, {"l2": L2(0.2)}, {"l1": L1(0.1), "l2": L2(0.2)}]
    found = sum(RegularizerStack(sets, CPU).penalties(weights, trace()))
    l1 = next(RegularizerStack([{"l1": L1(0.1)}] * 3, CPU).penalties(weights, trace()))
    l2 = next(RegularizerStack([{"l2": L2(0.2)}] * 3, CPU).penalties(weights, trace()))
    expected = torch.stack([l1[0], l2[1], l1[2] + l2[2]])
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)
