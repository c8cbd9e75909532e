"""Step: k accumulated batches are one batch of all their examples, clipping comes between update and step."""

import numpy as np
import pytest

import retroprop as rp

X, Y = rp.datasets.blobs(24, rng=0)
WEIGHT = np.arange(24) % 4.0


def net(frozen=False):
    model = rp.Sequential(rp.Linear(2, 4, dtype="float64", rng=0), rp.Tanh(), rp.Linear(4, 3, dtype="float64", rng=1))
    model[0].bias.frozen = frozen
    return model


def vector(model):
    return np.concatenate([parameter.data.ravel() for parameter in model.parameters()])


def fitted(loss, batch_size, **options):
    model = net(frozen=True)
    history = rp.fit(model, loss, rp.SGD(model.parameters(), lr=0.1, momentum=0.5), (X, Y), epochs=2, batch_size=batch_size,
                     rng=3, progress=False, **options)
    return vector(model), history["cost"]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("loss", [rp.CrossEntropy(), rp.CrossEntropy(reduction="sum"), rp.CrossEntropy([0.0, 1, 3])], ids=repr)
def test_k_batches_are_one_batch_of_all_their_examples(loss, weight):
    """Also the last ones of the epoch, which are fewer: 24 examples in 4 + 4 + 4 | 4 + 4 + 4, and in 5 + 5 | 5 + 5 | 4."""
    for small, k in ((4, 3), (5, 2)):
        found, costs = fitted(loss, small, accumulate=k, sample_weight=weight)
        expected, at_once = fitted(loss, small * k, sample_weight=weight)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
        if k * small * 2 == 24:
            assert costs == pytest.approx(at_once, rel=1e-12)


def test_callbacks_see_steps_and_batches():
    seen = []

    class Seen(rp.Callback):
        def before_batch(self, run):
            seen.append("batch")

        def before_step(self, run):
            seen.append(f"before {np.linalg.norm(run.net[0].weight.grad):.9f}")
            run.net[0].weight.grad[...] = 0

        def after_step(self, run):
            seen.append(f"after {run.batch} {run.progress.batch}")

    model = net()
    first = model[0].weight.data.copy()
    loss = rp.CrossEntropy()
    loss.forward(model.forward(X[:20]), Y[:20])
    model.backward(loss.backward())
    model.update()
    norm = np.linalg.norm(model[0].weight.grad)
    rp.fit(model, loss, rp.SGD(model.parameters(), lr=0.1), [X[:20], Y[:20]], epochs=1, batch_size=7, accumulate=4, rng=0,
           progress=False, callbacks=[Seen()])
    assert seen == ["batch", "batch", "batch", f"before {norm:.9f}", "after 3 3"]
    np.testing.assert_array_equal(model[0].weight.data, first)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_clipping_scales_the_gradient_between_update_and_step(accumulate):
    """With lr = 1 a step of SGD is the gradient: its length is the clip, its direction that of the gradient."""
    model, free = net(), net()
    before = vector(model)
    for one, clip in ((model, 0.01), (free, None)):
        step = rp.Step(one, rp.CrossEntropy(), rp.SGD(one.parameters(), lr=1), clip=clip, accumulate=accumulate)
        for part in np.split(np.arange(24), accumulate):
            step(X[part], Y[part])
        assert step.waiting == 0
    clipped, whole = vector(model) - before, vector(free) - before
    norm = np.linalg.norm(whole)
    np.testing.assert_allclose(clipped, whole * 0.01 / (norm + 1e-6), rtol=1e-9)     # PyTorch's factor
    assert norm > 0.1


def test_weights_accumulation_and_clipping_together_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    model, classes, weight = net(), np.array([1.0, 2, 0.5]), torch.tensor(WEIGHT)
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    step = rp.Step(model, rp.CrossEntropy(classes), rp.AdamW(model.parameters(), lr=0.01), clip=0.05, accumulate=2)
    adam, of_class = torch.optim.AdamW(theirs.parameters(), lr=0.01), torch.tensor(classes)
    x, y = torch.tensor(X).double(), torch.tensor(Y)
    for _ in range(5):
        for part in (slice(14), slice(14, 24)):
            step(X[part], Y[part], WEIGHT[part])
        adam.zero_grad()
        costs = torch.nn.functional.cross_entropy(theirs(x), y, of_class, reduction="none") * weight
        (costs.sum() / (of_class[y] * weight).sum()).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.05)
        adam.step()
    for name, array in model.state_dict().items():
        np.testing.assert_allclose(array, theirs.state_dict()[name].numpy(), rtol=1e-9, err_msg=name)


def test_a_cost_that_is_not_finite_moves_nothing():
    model = net()
    model[2].weight.data[0, 0] = np.nan
    before = vector(model)
    step = rp.Step(model, rp.CrossEntropy(), rp.SGD(model.parameters(), lr=1))
    assert np.isnan(step(X, Y))
    np.testing.assert_array_equal(vector(model), before)


def test_a_step_is_the_loop_written_out():
    by_hand, model, loss = net(), net(), rp.CrossEntropy()
    sgd = rp.SGD(by_hand.parameters(), lr=0.1, momentum=0.9)
    step = rp.Step(model, rp.CrossEntropy(), rp.SGD(model.parameters(), lr=0.1, momentum=0.9))
    for _ in range(3):
        cost = loss.forward(by_hand.forward(X), Y)
        by_hand.backward(loss.backward())
        by_hand.update()
        sgd.step()
        assert step(X, Y) == cost
    np.testing.assert_array_equal(vector(by_hand), vector(model))


@pytest.mark.parametrize(("options", "text"), [
    ({"clip": 0}, r"clip must be a number in \(0, inf\), got 0"), ({"clip": "1"}, "clip must be a number"),
    ({"accumulate": 0}, "accumulate must be an integer of at least 1, got 0"),
    ({"accumulate": 1.5}, "accumulate must be an integer of at least 1, got 1.5")], ids=str)
def test_options_are_checked_first(options, text):
    with pytest.raises(rp.ArgumentError, match=text):
        fitted(rp.CrossEntropy(), 4, **options)


@pytest.mark.parametrize(("change", "text"), [
    ({"net": 3}, "net must be a Module, got 3"), ({"loss": "mse"}, "loss must be a Loss, such as CrossEntropy"),
    ({"loss": rp.MSE("none")}, 'loss must have reduction "mean" or "sum" here, got "none"'),
    ({"optimizer": 0.1}, "optimizer must be an Optimizer, such as SGD"),
    ({"net": rp.Linear(2, 3, rng=0)}, "optimizer must hold parameters of net, got one that was built for another network")],
    ids=str)
def test_a_step_says_what_it_is_made_of(change, text):
    model = net()
    parts = {"net": model, "loss": rp.CrossEntropy(), "optimizer": rp.SGD(model.parameters(), lr=0.1)} | change
    with pytest.raises(rp.ArgumentError, match=text):
        rp.Step(**parts)
