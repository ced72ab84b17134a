"""Tiny Shakespeare: 1,115,394 characters of plays, 65 different ones.

Karpathy 2015, The Unreasonable Effectiveness of Recurrent Neural Networks.
"""

from rnn_regexp.data.files import DataFile

LICENCE = "public domain"
FILES = (
    DataFile(
        "tinyshakespeare/input.txt",
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        ("sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",),
        1115394,
    ),
)
