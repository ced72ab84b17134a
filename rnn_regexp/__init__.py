"""An ablation laboratory for the regularization of recurrent neural networks."""

__version__ = "0.1.0"
