"""``python -m rnn_regexp`` is ``rnn-regexp``."""

import sys

from rnn_regexp.app import main

if __name__ == "__main__":
    sys.exit(main())
