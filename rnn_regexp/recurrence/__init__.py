"""h_t = f(x_t, h_{t-1}) for K runs: specification, fast scan, and torch's fused kernels."""
