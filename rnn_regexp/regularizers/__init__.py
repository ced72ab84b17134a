"""The catalogue of techniques. The order of ``ALL`` is the order in which they act.

A name in YAML is the class's name in snake case. Clipping comes before weight decay, as in
torch: the optimizer adds its decay to the clipped gradient.
"""

from rnn_regexp.regularizers.activation import Activation
from rnn_regexp.regularizers.activation_noise import ActivationNoise
from rnn_regexp.regularizers.autoclip import Autoclip
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.chrono import Chrono
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.elastic import Elastic
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.forget_bias import ForgetBias
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.gradient_noise import GradientNoise
from rnn_regexp.regularizers.init import Init
from rnn_regexp.regularizers.jacobian import Jacobian
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.l2_sp import L2Sp
from rnn_regexp.regularizers.label_smoothing import LabelSmoothing
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.max_norm import MaxNorm
from rnn_regexp.regularizers.mixup import Mixup
from rnn_regexp.regularizers.monte_carlo import MonteCarlo
from rnn_regexp.regularizers.norm_stabilizer import NormStabilizer
from rnn_regexp.regularizers.nt_asgd import NtAsgd
from rnn_regexp.regularizers.orthogonal import Orthogonal
from rnn_regexp.regularizers.orthogonality import Orthogonality
from rnn_regexp.regularizers.r_drop import RDrop
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.recurrent_dropout import RecurrentDropout
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.scheduled_sampling import ScheduledSampling
from rnn_regexp.regularizers.spectral_norm import SpectralNorm
from rnn_regexp.regularizers.spectral_penalty import SpectralPenalty
from rnn_regexp.regularizers.state_reset import StateReset
from rnn_regexp.regularizers.swa import Swa
from rnn_regexp.regularizers.temporal_activation import TemporalActivation
from rnn_regexp.regularizers.truncated_bptt import TruncatedBptt
from rnn_regexp.regularizers.variable_bptt import VariableBptt
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.weight_noise import WeightNoise
from rnn_regexp.regularizers.weight_norm import WeightNorm
from rnn_regexp.regularizers.weight_tying import WeightTying
from rnn_regexp.regularizers.word_dropout import WordDropout
from rnn_regexp.regularizers.zclip import Zclip
from rnn_regexp.regularizers.zoneout import Zoneout

ALL: tuple[type[Regularizer], ...] = (
    Init,
    ForgetBias,
    Chrono,
    WeightTying,
    WeightNorm,
    Orthogonal,
    SpectralNorm,
    LayerNorm,
    RecurrentBatchNorm,
    TruncatedBptt,
    WeightNoise,
    WeightDrop,
    ScheduledSampling,
    WordDropout,
    EmbeddingDropout,
    StateReset,
    VariationalDropout,
    RecurrentDropout,
    RnnDrop,
    Zoneout,
    ActivationNoise,
    Dropout,
    Mixup,
    LabelSmoothing,
    VariableBptt,
    L1,
    L2,
    Elastic,
    L2Sp,
    Orthogonality,
    SpectralPenalty,
    Activation,
    TemporalActivation,
    NormStabilizer,
    Jacobian,
    Fraternal,
    RDrop,
    Sam,
    Clip,
    Autoclip,
    Zclip,
    GradientNoise,
    WeightDecay,
    MaxNorm,
    Ema,
    Swa,
    NtAsgd,
    EarlyStopping,
    MonteCarlo,
)
