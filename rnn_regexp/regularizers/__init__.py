"""The catalogue of techniques. The order of ``ALL`` is the order in which they act.

A name in YAML is the class's name in snake case. Clipping comes before weight decay, as in
torch: the optimizer adds its decay to the clipped gradient.
"""

from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.init import Init
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.weight_decay import WeightDecay

ALL: tuple[type[Regularizer], ...] = (
    Init,
    Dropout,
    L1,
    L2,
    Clip,
    WeightDecay,
    Ema,
    EarlyStopping,
)
