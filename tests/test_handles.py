"""The handle table alone: random sequences against a simple model, then names, counters, chains of calls."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from pybridge.dispatch import Dispatcher
from pybridge.errors import TclError, shown
from pybridge.handles import HandleTable
from tests.boundary_matrix import HOSTILE_TEXTS, hint_on_list, no_such_tensor, quoted

KINDS = ("tensor", "linear", "progress", "optimizer")
STORAGES = {1: 10, 2: 200, 3: 3000, 4: 40000}  # address: bytes


@dataclass(eq=False)
class Thing:
    """An object on one of the storages, or on none."""

    storage: int | None = None


def storage_of(thing: Any) -> tuple[int, int] | None:
    return (thing.storage, STORAGES[thing.storage]) if thing.storage else None


def table() -> HandleTable:
    return HandleTable(storage_of)


def error_of(action: Any, *args: Any) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(TclError) as raised:
        action(*args)
    return raised.value.message, raised.value.errorcode


# -- against a model ---------------------------------------------------------------------------------------


@dataclass
class Model:
    """What the table must say: sets and sums, nothing clever."""

    live: dict[str, Thing] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)  # of every handle ever made
    owners: dict[str, int] = field(default_factory=dict)
    scopes: list[int] = field(default_factory=list)
    ties: dict[str, int] = field(default_factory=dict)
    peak: int = 0

    def bytes(self) -> int:
        return sum(STORAGES[number] for number in {thing.storage for thing in self.live.values()} if number)

    def drop(self, name: str) -> None:
        del self.live[name]
        self.owners.pop(name, None)
        self.ties.pop(name, None)

    def close(self, number: int, kept: list[str]) -> None:
        while self.scopes and number in self.scopes:
            closing = self.scopes.pop()
            for name in [name for name, owner in self.owners.items() if owner == closing]:
                if closing == number and name in kept:
                    del self.owners[name]
                    if self.scopes:
                        self.owners[name] = self.scopes[-1]
                else:
                    self.drop(name)


class HandleMachine(RuleBasedStateMachine):
    names = Bundle("names")
    numbers = Bundle("numbers")
    ties = Bundle("ties")

    @initialize()
    def begin(self) -> None:
        self.table, self.model = table(), Model()

    @rule(
        target=names,
        things=st.lists(
            st.tuples(st.sampled_from(KINDS), st.sampled_from([None, *STORAGES])), min_size=1, max_size=3
        ),
    )
    def add(self, things: list[tuple[str, int | None]]) -> Any:
        made = []
        for kind, storage in things:
            thing = Thing(storage)
            name = self.table.add(kind, thing)
            assert name == f"{kind}{len(self.model.kinds)}"
            self.model.live[name], self.model.kinds[name] = thing, kind
            if self.model.scopes:
                self.model.owners[name] = self.model.scopes[-1]
            self.model.peak = max(self.model.peak, self.model.bytes())
            made.append(name)
        return multiple(*made)

    def freed(self, name: str) -> tuple[str, tuple[str, ...]]:
        return f'{self.model.kinds[name]} "{name}" was freed', ("TORCH", "HANDLE", name)

    @rule(wanted=st.lists(names, min_size=1, max_size=4))
    def free(self, wanted: list[str]) -> None:
        refused = next(
            (
                name
                for index, name in enumerate(wanted)
                if name not in self.model.live or name in wanted[:index]
            ),
            None,
        )
        if refused is not None:
            twice = f'"{refused}" given twice', ("TORCH", "HANDLE", refused)
            expected = twice if refused in self.model.live else self.freed(refused)
            assert error_of(self.table.free, wanted) == expected
            return
        self.table.free(wanted)
        for name in wanted:
            self.model.drop(name)

    @rule(name=names)
    def keep(self, name: str) -> None:
        if name not in self.model.live:
            assert error_of(self.table.keep, name) == self.freed(name)
            return
        self.table.keep(name)
        self.model.owners.pop(name, None)
        self.model.ties.pop(name, None)

    @rule(target=numbers)
    def open_scope(self) -> int:
        number = self.table.open_scope()
        assert number not in self.model.scopes
        self.model.scopes.append(number)
        return number

    @rule(number=numbers, kept=st.lists(names, max_size=3))
    def close_scope(self, number: int, kept: list[str]) -> None:
        self.table.close_scope(number, kept)
        self.model.close(number, kept)

    @rule(target=ties, name=names)
    def own_locally(self, name: str) -> Any:
        if name not in self.model.live:
            assert error_of(self.table.own_locally, name) == self.freed(name)
            return multiple()
        number = self.table.own_locally(name)
        self.model.ties[name] = number
        return name, number

    @rule(tie=consumes(ties))
    def release_local(self, tie: tuple[str, int]) -> None:
        name, number = tie
        self.table.release_local(name, number)
        if self.model.ties.get(name) == number:
            self.model.drop(name)

    @rule(tie=ties)
    def forget_local(self, tie: tuple[str, int]) -> None:
        name, number = tie
        self.table.forget_local(name, number)
        if self.model.ties.get(name) == number:
            del self.model.ties[name]

    @rule()
    def close(self) -> None:
        self.table.close()
        for name in list(self.model.live):
            self.model.drop(name)

    @invariant()
    def counters_agree(self) -> None:
        assert self.table.objects == self.model.live
        assert list(self.table.objects) == list(self.model.live)
        assert self.table.created == len(self.model.kinds)
        assert self.table.freed == len(self.model.kinds) - len(self.model.live)

    @rule()  # no invariant: what is new may wait to be counted
    def count(self) -> None:
        assert self.table.storages.bytes == self.model.bytes()
        assert self.table.storages.peak_bytes == self.model.peak

    def teardown(self) -> None:
        self.count()

    @invariant()
    def every_name_is_explained(self) -> None:
        for name, kind in self.model.kinds.items():
            other = "linear" if kind == "tensor" else "tensor"
            error = self.table.missing(name, other)
            assert error.errorcode == ("TORCH", "HANDLE", name)
            if name in self.model.live:
                self.table.check(name)
                assert self.table.kind(name) == kind
                article = "an" if kind == "optimizer" else "a"
                assert error.message == f'"{name}" is {article} {kind}, not a {other}'
            else:
                assert error.message == f'{kind} "{name}" was freed'
                assert error_of(self.table.check, name)[0] == error.message


def test_random_sequences_agree_with_the_model() -> None:
    run_state_machine_as_test(
        HandleMachine, settings=settings(deadline=None, max_examples=50, stateful_step_count=40)
    )


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(
            "tensor05",
            "tensor00",
            "tensor-0",
            "tensor+0",
            "tensor 0",
            " tensor0",
            "tensor0 ",
            "tensor0\n",
            "tensor0\0",
        ),
        *(
            "",
            "tensor",
            "0",
            "Tensor0",
            "TENSOR0",
            "tensor0x0",
            "tensor0tensor0",
            "tensor0.",
            "{tensor0}",
            "::tensor0",
        ),
        *("tensor\u0660", "tensor\uff10", "tensor\u00b2", "tensor\u2080", "t\u00ebnsor0", "\uff54ensor0"),
        *("tensor" + 5000 * "9", "tensor" + 5000 * "0", 5000 * "9", 5000 * "a" + "0", "tensor4294967296"),
        *("tensor18446744073709551616", "tensor9223372036854775808", "tensor1e0", "tensor0b0", "tensor1_0"),
        *("linear0", "tensor2", "progress1", "tensor3", "linear3"),  # numbers of others, or of none
        *HOSTILE_TEXTS,
    ],
)
def test_a_name_that_was_never_given_is_unknown(name: str) -> None:
    handles = table()
    handles.add("tensor", Thing(1))
    handles.free([handles.add("tensor", Thing(2))])
    handles.add("linear", Thing(3))
    before = dict(handles.objects)
    expected = f"no such handle {quoted(name)}{hint_on_list(name, 'handle')}", ("TORCH", "HANDLE", name)
    for action in (handles.check, handles.keep, handles.own_locally):
        assert error_of(action, name) == expected
    assert error_of(handles.free, [name]) == expected
    assert error_of(handles.free, ["tensor0", "linear2", name]) == expected
    assert handles.missing(name, "tensor").message == no_such_tensor(name)
    assert handles.objects == before


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("a tensor0 b 3", "a"),
        ("a tensor0 b tensor0 c tensor0", "a, b, c"),
        ("{a b} tensor0 b tensor0 c tensor0 d tensor0", "a b, b, c, ..."),
        ("a linear1", ""),
        ("a tensor9", ""),
        ("a tensor0 b", ""),
        ("a tensor0 {b", ""),
        ("a tensor0 " * 20_000, ""),
    ],
)
def test_a_dict_in_the_place_of_a_handle(word: str, hint: str) -> None:
    handles = table()
    handles.add("tensor", Thing(1))
    handles.add("linear", Thing(2))
    expected = f": it is a dict, and dict get takes a tensor out of it ({hint})" if hint else ""
    assert handles.missing(word, "tensor").message == f'no such tensor "{shown(word)}"{expected}'


@pytest.mark.parametrize("word", ["tensor0 tensor0", "tensor0 tensor1 tensor0", "tensor1 tensor0"])
def test_a_list_of_handles_in_the_place_of_one(word: str) -> None:
    handles = table()
    handles.add("tensor", Thing(1))
    handles.add("tensor", Thing(2))
    handles.free(["tensor1"])
    message = handles.missing(word, "tensor").message
    assert message == f'no such tensor "{word}": it is a list, and lindex takes a tensor out of it'
    assert handles.missing(word, "linear").message == f'no such linear "{word}"'


def test_what_quantize_integers_gives_in_the_place_of_a_tensor() -> None:
    handles = table()
    given = "quantized {} scale {} zero_point {} bits 4".format(
        *(handles.add("tensor", Thing(i)) for i in range(3))
    )
    assert handles.missing(given, "tensor").message == (
        f'no such tensor "{shown(given)}": it is a dict of integers (quantized, scale, zero_point), '
        "and torch::dequantize_integers makes a tensor of it"
    )


@pytest.mark.parametrize(
    ("word", "matches"),
    [
        ("tensor*", True),
        ("*", True),
        ("linea?1", True),
        ("tensor1*", False),
        ("progress*", False),
        ("[t]*", False),
        ("tensor* linear*", False),
        ("*" * 70, False),
    ],
)
def test_a_pattern_in_the_place_of_a_handle(word: str, matches: bool) -> None:
    handles = table()
    handles.add("tensor", Thing(1))
    handles.add("linear", Thing(2))
    hint = f" (it is a pattern: [torch::handles {word}] lists the handles that match)" if matches else ""
    expected = f'"{shown(word)}"{hint}', ("TORCH", "HANDLE", word)
    told = handles.missing(word, "tensor")
    assert (told.message, told.errorcode) == (f"no such tensor {expected[0]}", expected[1])
    assert error_of(handles.names_in, word) == (f"no such handle {expected[0]}", expected[1])


@pytest.mark.parametrize(("word", "hint"), [("a tensor0 b 3", "a"), ("a linear1 b 4 c tensor0", "a, c")])
def test_a_dict_in_the_place_of_any_handle(word: str, hint: str) -> None:
    handles = table()
    handles.add("tensor", Thing(1))
    handles.add("linear", Thing(2))
    expected = (
        f'no such handle "{word}": it is a dict, and dict get takes a handle out of it ({hint})',
        ("TORCH", "HANDLE", word),
    )
    for action in (handles.check, handles.keep, handles.own_locally):
        assert error_of(action, word) == expected
    assert error_of(handles.free, [word]) == expected
    assert error_of(handles.free, ["tensor0", word]) == expected


@settings(deadline=None)
@given(st.text(max_size=20) | st.from_regex(r"(tensor|linear)[0-9]{1,25}", fullmatch=True))
def test_any_text_is_a_handle_only_when_it_was_given(name: str) -> None:
    handles = table()
    live = handles.add("tensor", Thing())
    freed = handles.add("linear", Thing())
    handles.free([freed])
    if name == live:
        handles.check(name)
    else:
        start = f'linear "{freed}" was freed' if name == freed else "no such handle "
        assert error_of(handles.check, name)[0].startswith(start)


def test_one_counter_serves_all_kinds_and_no_name_comes_back() -> None:
    handles = table()
    names = [handles.add(kind, Thing()) for kind in ("tensor", "linear", "tensor", "optimizer", "conv2d")]
    assert names == ["tensor0", "linear1", "tensor2", "optimizer3", "conv2d4"]
    handles.free(names)
    assert handles.add("tensor", Thing()) == "tensor5"
    for name in names:
        assert error_of(handles.free, [name])[0].endswith(f'"{name}" was freed')
    assert [handles.kind(name) for name in names] == ["tensor", "linear", "tensor", "optimizer", "conv2d"]


def test_free_is_all_or_nothing() -> None:
    handles = table()
    first, second, gone = (handles.add("tensor", Thing(number)) for number in (1, 2, 3))
    handles.free([gone])
    assert error_of(handles.free, [first, second, gone]) == (
        'tensor "tensor2" was freed',
        ("TORCH", "HANDLE", "tensor2"),
    )
    assert error_of(handles.free, [first, second, first])[0] == '"tensor0" given twice'
    assert list(handles.objects) == [first, second]
    assert handles.storages.bytes == 210
    handles.free([])
    handles.free(name for name in (second, first))
    assert (handles.objects, handles.storages.bytes, handles.freed) == ({}, 0, 3)


# -- bytes -------------------------------------------------------------------------------------------------


def test_a_storage_counts_once_and_until_its_last_handle() -> None:
    handles = table()
    names = [handles.add("tensor", Thing(3)) for _ in range(4)]
    other = handles.add("tensor", Thing(1))
    for name in names:
        assert handles.storages.bytes == 3010
        handles.free([name])
    assert handles.storages.bytes == 10
    assert handles.storages.peak_bytes == 3010
    handles.add("tensor", Thing(2))
    assert (handles.storages.bytes, handles.storages.peak_bytes) == (210, 3010)
    handles.add("tensor", Thing(4))
    assert (handles.storages.bytes, handles.storages.peak_bytes) == (40210, 40210)
    handles.free([other])
    assert (handles.storages.bytes, handles.storages.peak_bytes) == (40200, 40210)


def test_the_same_object_twice_is_two_handles() -> None:
    handles = table()
    thing = Thing(1)
    first, second = handles.add("tensor", thing), handles.add("tensor", thing)
    handles.free([first])
    assert handles.objects == {second: thing}
    assert handles.storages.bytes == 10
    handles.free([second])
    assert handles.storages.bytes == 0


def test_what_could_not_be_counted_is_counted_later() -> None:
    short_of_memory = True

    def of(thing: Any) -> tuple[int, int] | None:
        if short_of_memory and thing.storage == 2:
            raise MemoryError
        return storage_of(thing)

    handles = HandleTable(of)
    names = [handles.add("tensor", Thing(number)) for number in (1, 2, 3)]
    with pytest.raises(MemoryError):
        _ = handles.storages.bytes
    short_of_memory = False
    assert handles.storages.bytes == 3210
    handles.free(names)
    assert (handles.storages.bytes, handles.storages.peak_bytes) == (0, 3210)


def test_a_tensor_whose_memory_cannot_be_told_counts_none() -> None:
    handles = HandleTable()
    name = handles.add("tensor", torch.ones(4).to_mkldnn())
    assert handles.storages.bytes == 0
    handles.free([name])
    assert handles.storages.bytes == 0


def test_real_tensors_count_their_storages() -> None:
    handles = Dispatcher().table
    base = torch.zeros(10, 10)
    views = [base, base.t(), base[3:5], base.reshape(100), base.detach(), base.view(torch.int32), base[0, 0]]
    names = [handles.add("tensor", view) for view in views]
    assert handles.storages.bytes == 400
    nothing = handles.add("tensor", torch.zeros(0))
    sparse = handles.add("tensor", torch.eye(3).to_sparse())
    meta = handles.add("tensor", torch.zeros(1000, device="meta"))
    assert handles.storages.bytes == 400
    copy = handles.add("tensor", base.clone())
    assert handles.storages.bytes == 800
    handles.free(names[:-1])
    assert handles.storages.bytes == 800  # the last view holds all of it
    handles.free([names[-1], nothing, sparse, meta])
    assert (handles.storages.bytes, handles.storages.peak_bytes) == (400, 800)
    handles.free([copy])
    assert handles.storages.bytes == 0


def test_a_tensor_that_grew_leaves_nothing_behind() -> None:
    handles = Dispatcher().table
    grown, other = torch.zeros(10), torch.zeros(20)
    name, kept = handles.add("tensor", grown), handles.add("tensor", other)
    grown.resize_(100_000)
    handles.free([name])
    assert handles.storages.bytes == 80
    handles.free([kept])
    assert handles.storages.bytes == 0


# -- scopes and local variables ----------------------------------------------------------------------------


def test_kept_results_move_outwards_one_scope_at_a_time() -> None:
    handles = table()
    outer, inner = handles.open_scope(), handles.open_scope()
    name, lost = handles.add("tensor", Thing(1)), handles.add("tensor", Thing(2))
    handles.close_scope(inner, [name, "tensor77", "anything"])
    assert list(handles.objects) == [name]
    assert error_of(handles.check, lost)[0] == f'tensor "{lost}" was freed'
    handles.close_scope(outer)
    assert handles.objects == {}


def test_a_result_of_the_outermost_scope_stays_alive() -> None:
    handles = table()
    number = handles.open_scope()
    name = handles.add("tensor", Thing(1))
    handles.close_scope(number, [name])
    handles.close_scope(handles.open_scope())
    assert list(handles.objects) == [name]


def test_a_scope_does_not_free_what_is_older_than_itself() -> None:
    handles = table()
    before = handles.add("tensor", Thing(1))
    outer = handles.open_scope()
    between = handles.add("tensor", Thing(2))
    inner = handles.open_scope()
    handles.close_scope(inner, [before])
    assert list(handles.objects) == [before, between]
    handles.close_scope(outer)
    assert list(handles.objects) == [before]


def test_closing_an_outer_scope_ends_those_inside_it() -> None:
    handles = table()
    outer, inner = handles.open_scope(), handles.open_scope()
    name = handles.add("tensor", Thing(1))
    handles.close_scope(outer, [name])  # it is the inner one's, whose code was unwound
    assert handles.objects == {}
    handles.close_scope(inner)
    handles.close_scope(outer)
    handles.close_scope(99)
    free = handles.add("tensor", Thing(1))
    assert list(handles.objects) == [free]


def test_a_local_variable_frees_only_what_is_still_its_own() -> None:
    handles = table()
    name = handles.add("tensor", Thing(1))
    first = handles.own_locally(name)
    second = handles.own_locally(name)
    handles.release_local(name, first)
    assert list(handles.objects) == [name]
    handles.forget_local(name, first)
    handles.release_local(name, second)
    assert handles.objects == {}
    handles.release_local(name, second)
    kept = handles.add("tensor", Thing(1))
    number = handles.own_locally(kept)
    handles.keep(kept)
    handles.release_local(kept, number)
    assert list(handles.objects) == [kept]


# -- chains of calls ---------------------------------------------------------------------------------------


def test_each_chain_has_scopes_of_its_own() -> None:
    handles = table()
    outside = handles.open_scope()
    handles.enter_chain("::elsewhere")  # a coroutine that was started outside any scope
    free = handles.add("tensor", Thing(1))
    inside = handles.open_scope()
    owned = handles.add("tensor", Thing(2))
    handles.enter_chain("")
    also_owned = handles.add("tensor", Thing(3))
    handles.close_scope(outside)
    assert list(handles.objects) == [free, owned]
    assert also_owned not in handles.objects
    handles.enter_chain("::elsewhere")
    handles.close_scope(inside)
    assert list(handles.objects) == [free]


def test_a_coroutine_creates_into_the_scope_that_started_it_while_that_is_open() -> None:
    handles = table()
    number = handles.open_scope()
    handles.start_chain("::worker")
    handles.enter_chain("::worker")
    early = handles.add("tensor", Thing(1))
    handles.enter_chain("")
    handles.close_scope(number)
    assert early not in handles.objects
    handles.enter_chain("::worker")
    late = handles.add("tensor", Thing(1))
    assert list(handles.objects) == [late]


def test_what_the_event_loop_runs_creates_into_no_scope_of_the_waiting_code() -> None:
    handles = table()
    number = handles.open_scope()
    handles.start_waiting()
    free = handles.add("tensor", Thing(1))
    inner = handles.open_scope()
    handles.add("tensor", Thing(2))
    handles.close_scope(inner)
    handles.stop_waiting()
    owned = handles.add("tensor", Thing(3))
    assert list(handles.objects) == [free, owned]
    handles.close_scope(number)
    assert list(handles.objects) == [free]


def test_gradients_are_recorded_per_chain() -> None:
    handles = table()
    recorded = [handles.records_gradients]
    outer, inner = handles.begin_no_grad(), handles.begin_no_grad()
    handles.end_no_grad(inner)
    recorded.append(handles.records_gradients)
    handles.enter_chain("::worker")
    recorded.append(handles.records_gradients)
    handles.enter_chain("")
    recorded.append(handles.records_gradients)
    handles.end_no_grad(outer)
    handles.end_no_grad(outer)
    recorded.append(handles.records_gradients)
    handles.grad_enabled = False
    recorded.append(handles.records_gradients)
    assert recorded == [True, False, True, False, True, False]


def test_unwind_ends_what_was_begun_since_the_mark() -> None:
    handles = table()
    before = handles.open_scope()
    survivor = handles.add("tensor", Thing(1))
    mark = handles.mark()
    handles.open_scope()
    handles.add("tensor", Thing(2))
    handles.begin_no_grad()
    handles.start_waiting()
    handles.open_scope()
    handles.add("tensor", Thing(3))
    handles.enter_chain("::worker")
    handles.open_scope()
    handles.add("tensor", Thing(4))
    handles.unwind(mark, lives=lambda coroutine: coroutine != "::worker")
    handles.enter_chain("")
    assert list(handles.objects) == [survivor]
    assert handles.records_gradients
    handles.add("tensor", Thing(4))
    handles.close_scope(before)
    assert (handles.objects, handles.storages.bytes) == ({}, 0)
