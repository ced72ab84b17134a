"""Orders that depend on content alone."""

from collections import Counter

from rnn_regexp.data.rank import interleave, rank


def test_rank_is_the_same_everywhere():
    assert rank("a", "b") == 0x59B271AE1BBCB1D3  # the first digits of sha256("a\0b")


def test_rank_keeps_parts_apart():
    assert rank("ab", "c") != rank("a", "bc")


def test_rank_is_spread_evenly():
    tenths = Counter(rank(str(number)) * 10 >> 64 for number in range(10_000))
    assert sorted(tenths) == list(range(10))
    assert all(900 < count < 1100 for count in tenths.values())  # 1000 +- 3.3 standard deviations


def test_every_prefix_holds_the_groups_in_equal_parts():
    words = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4"]
    order = interleave(words, key=rank, group=lambda word: word[0])
    assert sorted(order) == words
    for length in range(1, len(order) + 1):
        counts = Counter(word[0] for word in order[:length])
        assert max(counts.values()) - min(counts[group] for group in "abc") <= 1


def test_order_does_not_depend_on_the_order_given():
    words = [f"{group}{number}" for group in "abc" for number in range(9)]
    forward = interleave(words, key=rank, group=lambda word: word[0])
    backward = interleave(reversed(words), key=rank, group=lambda word: word[0])
    assert forward == backward
    assert [w for w in forward if w[0] == "a"] == sorted(words[:9], key=rank)
