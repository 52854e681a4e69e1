"""Trees for tests, over leaf hashes in memory."""

from collections.abc import Iterable

from govcloud.audit.merkle import Hasher, Tree, node_hash, sha256


def tree_over(leaves: Iterable[bytes], hasher: Hasher = sha256) -> Tree:
    """All complete nodes of these leaves."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1], hasher) for i in range(0, len(below) - 1, 2)])
    return Tree(len(levels[0]), lambda level, number: levels[level][number], hasher)
