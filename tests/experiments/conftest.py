"""Files that the tests of several folders need, and figures that cost little."""

import gzip

import numpy as np
import pytest

from retroprop import datasets


@pytest.fixture(scope="module", autouse=True)
def light_figures():
    """Draw figures coarsely and in this process, and write SVG files without content; tests/plots and the command's tests
    write whole ones."""
    from retroprop.experiments.reports import drawing
    from retroprop.experiments.sweeps.workers import Workers
    from retroprop.plots import canvas
    whole, draw, empty = canvas.render, drawing.draw, b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"

    def render(figure, kinds, dpi=150, frame=None):
        return [empty if kind == ".svg" else whole(figure, [kind], 20, frame)[0] for kind in kinds]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "render", render)
        patch.setattr(drawing, "draw", lambda drawings, folder, workers: draw(drawings, folder, Workers(1)))
        yield


@pytest.fixture
def mnist_folder(tmp_path):
    """A function that writes the digits as the four files of MNIST, and returns their folder.

    The images have 28×28 pixels: 8×8 drawn ``zoom`` times as large, in a frame. ``count`` limits both parts.
    """
    def write(zoom=3, frame=2, count=None):
        folder = tmp_path / "mnist"
        folder.mkdir()
        x, y = datasets.digits()
        for prefix, (images, labels) in zip(("train", "t10k"), datasets.split(x, y, test=500, rng=0), strict=True):
            images, labels = images[:count], labels[:count]
            large = np.kron(images.reshape(-1, 8, 8) * 255, np.ones((1, zoom, zoom)))
            images = np.pad(large, ((0, 0), (frame, frame), (frame, frame))).astype(np.uint8)
            header = np.array([0x803, *images.shape], ">i4").tobytes()
            (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
            (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(np.array([0x801, len(labels)], ">i4").tobytes()
                                                                 + labels.astype(np.uint8).tobytes())
        return folder

    return write
