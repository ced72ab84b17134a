"""What a command says that was asked to end."""

from rnn_regexp.interruption import Terminated


def stopped(reason: KeyboardInterrupt | Terminated, command: str) -> int:
    """Say how to go on; returns the exit code."""
    print(f"\nstopped; what is finished is kept. To continue: {command}", flush=True)
    return reason.exit_code if isinstance(reason, Terminated) else 130
