"""What must not end half-way through waits for no signal, and no signal is lost."""

import os
import signal
import threading

import pytest

from pybridge.tcltest.undisturbed import undisturbed


@pytest.mark.parametrize("threads", [0, 1])
def test_a_signal_waits_for_the_end_of_the_block(threads):
    over = threading.Event()
    for _ in range(threads):  # a mask of the main thread's would have it get the signal
        threading.Thread(target=over.wait).start()
    before = signal.getsignal(signal.SIGINT)
    done = []

    def interrupted():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("in the block")
        done.append("behind it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    over.set()
    assert done == ["in the block"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_that_is_left_in_its_place_does_what_the_other_one_does():
    """As where a second signal ends the block before the handlers are back."""
    with undisturbed():
        left = signal.getsignal(signal.SIGINT)
    assert callable(left)
    with pytest.raises(KeyboardInterrupt):
        left(signal.SIGINT, None)


def test_signals_that_python_does_not_handle_stay_as_they_are():
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with undisturbed():
            assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_are_never_disturbed():
    handlers = []

    def body():
        with undisturbed():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
