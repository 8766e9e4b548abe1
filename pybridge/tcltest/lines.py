"""How two texts of several lines differ, however long they are: difflib takes minutes for some."""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

_SHOWN_WHOLE = 4_000  # characters; difflib.ndiff takes seconds for more, or for more lines than these
_LINES_SHOWN_WHOLE = 200
_CONTEXT = 3  # lines
_COMPARED_CLOSELY = 500  # lines; the time that difflib takes grows with the square of their number
_MOST_STEPS = 10_000_000  # which keeps all of that to seconds

Region = tuple[int, int, int, int]  # the lines of the one text, from and to, and those of the other
Match = tuple[int, int, int]  # where equal lines begin in the two texts, and how many there are


def line_diff(expected: list[str], actual: list[str]) -> list[str]:
    """Say in which lines two texts differ.

    Returns:
        All lines of short texts, with marks below those that are similar; of long ones those around each
        difference, with the numbers of the lines as in `diff -u`.
    """
    lines = expected + actual
    if len(lines) <= _LINES_SHOWN_WHOLE and sum(map(len, lines)) <= _SHOWN_WHOLE:
        return [line.rstrip("\n") for line in difflib.ndiff(expected, actual)]
    shown = list[str]()
    for group in _Lines(expected, actual).get_grouped_opcodes(_CONTEXT):
        (_, begin, _, left, _), (_, _, end, _, right) = group[0], group[-1]
        shown.append(f"@@ -{_range(begin, end)} +{_range(left, right)} @@")
        for what, *region in group:
            shown += _marked(expected, actual, what, region)
    return shown


def _marked(expected: list[str], actual: list[str], what: str, region: list[int]) -> list[str]:
    begin, end, left, right = region
    if what == "equal":
        return [f" {line}" for line in expected[begin:end]]
    return [f"-{line}" for line in expected[begin:end]] + [f"+{line}" for line in actual[left:right]]


def first_unequal(wanted: Sequence[str], got: Sequence[str]) -> int:
    """The first place in which two sequences differ; where one begins with the other, its length."""
    pairs = enumerate(zip(wanted, got, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(wanted), len(got)))


def _range(begin: int, end: int) -> str:
    """Lines as `diff -u` writes them: the first, from 1, and how many; of none, the one before."""
    return str(end) if end - begin == 1 else f"{begin + (end > begin)},{end - begin}"


class _Lines(difflib.SequenceMatcher[str]):
    """Compares two lists of lines as difflib does, those of long ones by `_matches`."""

    def __init__(self, wanted: list[str], got: list[str]) -> None:
        super().__init__()
        self._texts = wanted, got

    def get_matching_blocks(self) -> list[difflib.Match]:
        wanted, got = self._texts
        blocks = list[Match]()
        for begin, left, size in _matches(wanted, got):
            if blocks and (begin, left) == (blocks[-1][0] + blocks[-1][2], blocks[-1][1] + blocks[-1][2]):
                begin, left, before = blocks.pop()
                size += before
            blocks.append((begin, left, size))
        return [difflib.Match(*block) for block in [*blocks, (len(wanted), len(got), 0)]]


def _matches(wanted: list[str], got: list[str]) -> Iterator[Match]:
    """Lines that are equal, in their order.

    Long texts are cut at lines that each has once, as "patience diff" does, and where there are none every
    few lines.
    """
    few = max(1, min(_COMPARED_CLOSELY, _MOST_STEPS // max(1, len(wanted), len(got))))
    regions: list[Region] = [(0, len(wanted), 0, len(got))]
    while regions:
        begin, end, left, right = regions.pop()
        size = first_unequal(wanted[begin:end], got[left:right])
        if size:
            yield begin, left, size
        begin, left = begin + size, left + size
        if begin == end or left == right:
            continue
        ends = first_unequal(wanted[begin:end][::-1], got[left:right][::-1])
        if ends:
            regions.append((end - ends, end, right - ends, right))
        end, right = end - ends, right - ends
        if max(end - begin, right - left) <= few:
            matcher = difflib.SequenceMatcher(None, wanted[begin:end], got[left:right], autojunk=False)
            blocks = matcher.get_matching_blocks()
            yield from ((begin + block.a, left + block.b, block.size) for block in blocks if block.size)
        else:
            regions += _parts(wanted, got, (begin, end, left, right), few)


def _parts(wanted: list[str], got: list[str], region: Region, few: int) -> Iterator[Region]:
    """Cut a region, which begins and ends with a difference; its last part comes first."""
    begin, end, left, right = region
    height, width = end - begin, right - left
    cuts = _lines_in_order(wanted[begin:end], got[left:right])
    if not cuts:
        cuts = [(min(place, height), min(place, width)) for place in range(few, max(height, width), few)]
    ends = (height, width)
    for cut in reversed([(0, 0), *cuts]):
        yield begin + cut[0], begin + ends[0], left + cut[1], left + ends[1]
        ends = cut


def _lines_in_order(wanted: list[str], got: list[str]) -> list[tuple[int, int]]:
    """Where the lines are that each text has once: most of those that are in the same order in both.

    The longest increasing subsequence of their places, by patience sorting.
    """
    once = [{line for line, times in Counter(lines).items() if times == 1} for lines in (wanted, got)]
    both = once[0] & once[1]
    there = {line: place for place, line in enumerate(got) if line in both}
    places = [(place, there[line]) for place, line in enumerate(wanted) if line in both]
    # of the increasing subsequences of each length, the one whose end is least: that end, and the number of
    # its place; and for the place of each number the number of the one before it
    ends, tops, before = list[int](), list[int](), list[int]()
    for number, (_, place) in enumerate(places):
        length = bisect_left(ends, place)
        before.append(tops[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        tops[length : length + 1] = [number]
    longest = list[tuple[int, int]]()
    number = tops[-1] if tops else -1
    while number >= 0:
        longest.append(places[number])
        number = before[number]
    return longest[::-1]
