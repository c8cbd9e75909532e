"""Products on several threads: the same bits for any number of them, and nothing left behind by errors and interrupts."""

import os
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
from interrupts import Lines, lines_of
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

import retroprop as rp
from retroprop import threads
from retroprop.modules.core.arrays import alone, blocks, divided, dot, product_for
from retroprop.threads import OneThread, Workers, blas, together

SHAPES = [(10, 1000, 900), (64, 784, 150), (7, 1003, 617), (517, 100, 101), (33, 701, 205), (1, 784, 128), (128, 128, 1)]


def allowed():
    """How many threads BLAS may use."""
    return max(1, blas().get())


@pytest.fixture
def several():
    """Two threads, also on a machine of one core or where the tests are given one."""
    with threadpool_limits(2, user_api="blas"):
        if allowed() < 2:
            pytest.skip("this BLAS cannot be given two threads")
        yield


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_product_has_the_same_bits_for_any_number_of_threads(shape, dtype):
    n, inner, columns = shape
    rng = np.random.default_rng(0)
    x, weight, g = (rng.normal(size=size).astype(dtype) for size in ((n, inner), (columns, inner), (n, columns)))
    turned = np.asfortranarray(weight)
    product = product_for(*shape)
    for a, b in ((x, turned.T), (g, turned), (x.T, g), (turned.T, g.T)):
        results = []
        for number in (1, 2, 3):
            with threadpool_limits(number, user_api="blas"):
                results.append(product(a, b))
        exact = a.astype(float) @ b.astype(float)
        np.testing.assert_allclose(results[0], exact, rtol=0, atol=2e-4 if dtype == "float32" else 1e-11)
        assert_array_equal(results[1], results[0])
        assert_array_equal(results[2], results[0])


@pytest.mark.parametrize(("shape", "expected"), [((32, 64, 64), dot), ((1, 64, 64), dot), ((1, 784, 128), alone),
                                                 ((32, 128, 128), alone), ((64, 784, 128), alone),
                                                 ((10, 784, 1000), divided)])
def test_a_product_takes_one_thread_where_blas_would_take_more_and_blocks_where_they_pay(shape, expected):
    assert product_for(*shape) is expected


@pytest.mark.parametrize("length", [1, 16, 17, 100, 1000])
@pytest.mark.parametrize("number", [1, 2, 8])
def test_blocks_cover_an_axis_once(length, number):
    found = blocks(length, number)
    assert np.concatenate([np.arange(length)[block] for block in found]).tolist() == list(range(length))
    assert len(found) <= number
    assert all(block.start % 16 == 0 for block in found)


def test_a_training_has_the_same_bits_for_any_number_of_threads():
    x, y = np.random.default_rng(0).normal(size=(64, 784)), np.arange(64) % 10
    digests = []
    for number in (1, 2):
        with threadpool_limits(number, user_api="blas"):
            net = rp.Sequential(rp.Linear(784, 300, rng=1), rp.Tanh(), rp.Linear(300, 10, rng=2))
            rp.fit(net, rp.CrossEntropy(), rp.SGD(net.parameters(), lr=0.1, momentum=0.9), (x, y), epochs=2, batch_size=32,
                   rng=0, progress=False)
            digests.append([parameter.data.tobytes() for parameter in net.parameters()])
    assert digests[0] == digests[1]


def test_a_product_reports_no_floating_point_errors_as_dot(several):
    a = np.full((64, 784), np.inf, "float32")
    with np.errstate(all="raise"):
        assert np.isnan(divided(a, np.zeros((784, 128), "float32"))).all()


def test_calls_that_run_together_see_the_context_of_the_one_who_asks():
    seen = []
    with np.errstate(over="raise"):
        together([lambda: seen.append(np.geterr()["over"])] * 8, 3)
    assert seen == ["raise"] * 8


def test_an_error_of_a_call_comes_after_all_calls_have_ended():
    ended = []

    def wrong():
        raise ValueError("wrong")

    def slow():
        time.sleep(0.02)
        ended.append(1)

    with pytest.raises(ValueError, match=r"^wrong$"):
        together([slow, wrong, slow, slow], 2)
    assert ended == [1] * 3


def test_calls_run_here_if_no_thread_takes_them_up(monkeypatch):
    monkeypatch.setattr(Workers, "give", lambda self, tasks, threads: None)
    ran = []
    together([lambda k=k: ran.append((k, threading.get_ident())) for k in range(4)], 2)
    assert ran == [(k, threading.get_ident()) for k in range(4)]


def test_the_calls_run_on_as_many_threads_as_are_asked_for():
    meeting = threading.Barrier(3, timeout=10)                      # it opens when three threads have come
    together([meeting.wait] * 3, 3)


def test_threads_of_the_program_may_ask_at_the_same_time():
    a, b = (np.random.default_rng(k).normal(size=(300, 300)) for k in (0, 1))
    expected, wrong = divided(a, b), []

    def ask():
        for _ in range(20):
            if not np.array_equal(divided(a, b), expected):
                wrong.append(1)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert not wrong


def test_blas_gets_its_threads_back(several):
    with OneThread() as outside:
        assert (outside, allowed()) == (2, 1)
        with OneThread() as again:
            assert (again, allowed()) == (2, 1)
        assert allowed() == 1
    assert allowed() == 2
    with pytest.raises(ZeroDivisionError), OneThread():
        1 / 0  # noqa: B018
    assert allowed() == 2


def test_an_interrupt_at_any_line_leaves_blas_its_threads_and_no_thread_at_work(several):
    a, b = np.ones((200, 300)), np.ones((300, 200))
    out = np.empty((200, 200))
    for stop in range(lines_of(lambda: divided(a, b, out))):
        with suppress(KeyboardInterrupt), Lines(stop):              # fewer lines run here if another thread takes more tasks
            divided(a, b, out)
        out[...] = 7
        assert not blas().inside
        with OneThread():
            pass
        assert allowed() == 2
        assert (out == 7).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(several):
    a, b = np.ones((200, 300)), np.ones((300, 200))
    divided(a, b)
    child = os.fork()
    if not child:
        good = threads.WORKERS.number == 0 and (divided(a, b) == 300).all() and threads.WORKERS.number == 1
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_limit_that_an_interrupt_left_half_made_is_made_whole_by_the_next_block(several):
    blas().limited = True                                           # as after Ctrl-C before BLAS was told
    with OneThread() as outside:
        assert (outside, allowed()) == (2, 1)
    assert allowed() == 2


def test_a_block_that_is_never_left_ends_when_it_is_deleted(several):
    block = OneThread()
    block.__enter__()
    assert allowed() == 1
    del block
    with OneThread():
        assert len(blas().inside) == 1
    assert allowed() == 2


def test_a_number_that_the_program_sets_meanwhile_stays(several):
    with OneThread():
        blas().set(3)
    assert allowed() == 3


def test_a_forked_process_has_the_threads_of_blas_that_another_thread_had_limited(several):
    with OneThread():
        threads.after_fork()
        assert allowed() == 2


def test_where_no_thread_can_start_this_one_does_all(monkeypatch):
    def none(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "start_new_thread", none)
    monkeypatch.setattr(threads, "WORKERS", Workers())
    ran = []
    together([lambda k=k: ran.append(k) for k in range(4)], 2)
    assert ran == [0, 1, 2, 3]
    assert threads.WORKERS.tasks.empty()


def test_a_blas_whose_limit_holds_for_one_thread_only_runs_all_in_turn(several, monkeypatch):
    monkeypatch.setattr(blas(), "of_openmp", True)
    with OneThread() as number:
        assert (number, allowed()) == (1, 1)


def test_a_task_that_has_run_holds_no_arrays():
    task = threads.Task(lambda array=np.ones(3): array.sum())  # noqa: B008
    task.run()
    assert task.call is threads.nothing


def test_an_orthogonal_matrix_has_the_same_bits_for_any_number_of_threads():
    drawn = []
    for number in (1, 2):
        with threadpool_limits(number, user_api="blas"):
            drawn.append(rp.initializers.Orthogonal()((500, 500), 0, "float64").tobytes())
    assert drawn[0] == drawn[1]


def test_clipping_scales_by_the_same_factor_for_any_number_of_threads():
    parameter, norms = rp.Parameter(np.zeros((500, 500)), "weight", "float64"), []
    for number in (1, 2):
        parameter.grad = np.random.default_rng(0).normal(size=(500, 500))
        with threadpool_limits(number, user_api="blas"):
            norms.append(rp.clip_grad_norm([parameter], 1.0))
    assert norms[0] == norms[1]


@pytest.mark.parametrize("way", ["no package", "no BLAS"])
def test_one_thread_is_enough_where_the_threads_of_blas_cannot_be_limited(way, monkeypatch):
    module = None if way == "no package" else type("Module", (), {"ThreadpoolController": Without})()
    monkeypatch.setitem(sys.modules, "threadpoolctl", module)
    blas.cache_clear()
    try:
        with OneThread() as number:
            assert number == 1
    finally:
        blas.cache_clear()


class Without:
    """A ThreadpoolController that finds no BLAS."""

    lib_controllers = ()

    def select(self, **_):
        return self
