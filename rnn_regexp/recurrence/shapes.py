"""Arguments that do not fit: one line with the argument, what it is and what it must be."""

from torch import Tensor

Size = int | tuple[int, ...]  # one size, or those allowed


def expect(name: str, tensor: Tensor, wanted: tuple[Size, ...], like: Tensor | None = None) -> None:
    """Raise ``ValueError`` unless the shape is a wanted one, and type and device are ``like``'s."""
    if tensor.shape != wanted and not _allowed(tuple(tensor.shape), wanted):
        shape = ", ".join(" or ".join(map(str, _sizes(size))) for size in wanted)
        raise ValueError(f"{name} must be ({shape}), got {tuple(tensor.shape)}")
    if like is not None and (tensor.dtype != like.dtype or tensor.device != like.device):
        raise ValueError(f"{name} must be {_type(like)} as the weights are, got {_type(tensor)}")


def _allowed(shape: tuple[int, ...], wanted: tuple[Size, ...]) -> bool:
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(n in _sizes(size) for n, size in pairs)


def _sizes(size: Size) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(dict.fromkeys(size))


def _type(tensor: Tensor) -> str:
    return f"{tensor.dtype} on {tensor.device}"
