"""Image files, and figures of feature visualization."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageOps

import retroprop as rp
from retroprop import features, plots


def bands(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def saved(pixels, path, mode=None, **options):
    Image.fromarray(pixels, mode).save(path, **options) if mode else Image.fromarray(pixels).save(path, **options)
    return path


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (3, 5, 7)])
def test_a_written_image_can_be_read(shape, tmp_path):
    image = (bands(*shape) / 255).astype("float32")
    path = plots.write_image(image, tmp_path / "a" / "image.png")
    found = plots.read_image(path, shape[0] if len(shape) == 3 else 1)
    assert found.dtype == "float32"
    assert_allclose(found.reshape(shape), image, atol=1e-6)
    assert b"matplotlib" not in path.read_bytes().lower()           # its version would change the bytes
    assert path.read_bytes() == plots.write_image(image, tmp_path / "again.png").read_bytes()


def test_every_kind_of_file_is_channels_height_width_in_0_to_1(tmp_path):
    grey, colours = bands(5, 7), bands(5, 7, 3)
    for name, pixels in (("grey.png", grey), ("colours.png", colours), ("grey16.png", grey.astype("uint16") * 257)):
        path = saved(pixels, tmp_path / name)
        expected = np.moveaxis(np.broadcast_to(pixels.reshape(5, 7, -1), (5, 7, 3)), -1, 0) / np.iinfo(pixels.dtype).max
        assert_allclose(plots.read_image(path), expected, atol=1e-4, err_msg=name)
    for name, pixels in (("grey.jpg", grey), ("colours.jpeg", colours)):
        smooth = np.full_like(pixels, 100)
        found = plots.read_image(saved(smooth, tmp_path / name, quality=95))
        assert found.shape == (3, 5, 7)
        assert_allclose(found, 100 / 255, atol=2e-2, err_msg=name)
    cmyk = Image.new("CMYK", (7, 5), (0, 255, 255, 0))              # red
    cmyk.save(tmp_path / "cmyk.jpg")
    assert_allclose(plots.read_image(tmp_path / "cmyk.jpg").mean((1, 2)), [1, 0, 0], atol=0.05)


def test_colours_become_their_brightness_and_transparent_pixels_are_blended_with_white(tmp_path):
    colours = np.zeros((2, 2, 4), "uint8")
    colours[0, 0] = 255, 0, 0, 255
    colours[0, 1] = 0, 255, 0, 255
    colours[1, 0] = 0, 0, 255, 255                                  # and the last pixel is transparent
    path = saved(colours, tmp_path / "a.png")
    assert_allclose(plots.read_image(path, 1)[0], [[0.299, 0.587], [0.114, 1]], atol=1e-6)
    assert_array_equal(plots.read_image(path)[:, 1, 1], 1)
    grey = np.array([[[0, 255], [0, 0]]], "uint8")                  # black, and transparent
    assert_allclose(plots.read_image(saved(grey, tmp_path / "b.png"), 1), [[[0, 1]]], atol=1e-6)


@pytest.mark.parametrize("orientation", [None, *range(11), "damaged"])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "grey.png"])
def test_images_come_out_as_their_exif_orientation_says(name, orientation, tmp_path):
    """All eight, as Pillow turns them; an orientation that does not exist, or cannot be read, turns nothing."""
    pixels, exif = np.kron(bands(3, 2, 3), np.ones((16, 16, 1), "uint8")), Image.Exif()
    if name == "grey.png":
        pixels = pixels[..., 0]
    exif[0x0112] = orientation if isinstance(orientation, int) else 1
    data = exif.tobytes() if orientation != "damaged" else b"Exif\x00\x00MM\x00"
    path = saved(pixels, tmp_path / name, **({} if orientation is None else {"exif": data}))
    with Image.open(path) as image:
        turned = np.array(image) if orientation == "damaged" else np.array(ImageOps.exif_transpose(image))
    found = plots.read_image(path, 1 if pixels.ndim == 2 else 3)
    assert found.shape[1:] == ((32, 48) if orientation in (5, 6, 7, 8) else (48, 32))
    assert_array_equal(np.rint(found * 255), np.moveaxis(turned.reshape(*turned.shape[:2], -1), -1, 0))


def test_an_upright_photograph_stands(tmp_path):
    """Orientation 6: the camera lay on its side; the file is 6 high and 9 wide, and its left column is the top of the image."""
    pixels, exif = np.zeros((6, 9), "uint8"), Image.Exif()
    pixels[:, 0], exif[0x0112] = 255, 6
    found = plots.read_image(saved(pixels, tmp_path / "a.jpg", exif=exif, quality=100), 1)[0]
    assert found.shape == (9, 6)
    assert_allclose(found.mean(1), [1, *[0] * 8], atol=0.02)


def test_an_image_an_ulp_outside_0_and_1_can_be_written(tmp_path):
    image = np.array([[1 + 2**-52, -2**-60], [0.5, 1]])
    assert_allclose(plots.read_image(plots.write_image(image, tmp_path / "a.png"), 1)[0], [[1, 0], [128 / 255, 1]], atol=1e-6)
    with pytest.raises(rp.DataError, match=r"^image must lie in \[0, 1\], got values from 0\.5 to 1\.0000000000000004$"):
        plots.write_image(np.array([[0.5, 1 + 2**-51]]), tmp_path / "a.png")


def test_broken_files_are_named(tmp_path):
    whole = saved(bands(40, 50, 3), tmp_path / "whole.png").read_bytes()
    jpeg = saved(bands(40, 50, 3), tmp_path / "whole.jpg").read_bytes()
    broken = {"empty.png": b"", "text.png": b"no image", "text.jpg": b"no image", "cut.png": whole[:len(whole) // 2],
              "cut.jpg": jpeg[:len(jpeg) // 2], "jpeg.png": jpeg}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(rp.FileFormatError, match=name):
            plots.read_image(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        plots.read_image(tmp_path / "none.png")


def test_bad_arguments_of_files(tmp_path):
    with pytest.raises(rp.ArgumentError, match="channels must be 1 or 3, got 2"):
        plots.read_image(tmp_path / "a.png", 2)
    for image, message in ((np.full((2, 2), 1.5), "from 1.5 to 1.5"), (np.full((2, 2), np.nan), "from nan to nan")):
        with pytest.raises(rp.DataError, match=message):
            plots.write_image(image, tmp_path / "a.png")
    with pytest.raises(rp.ShapeError, match=r"image must have shape \(height, width\), .* got \(2, 5, 6\)"):
        plots.write_image(np.zeros((2, 5, 6)), tmp_path / "a.png")
    with pytest.raises(rp.ArgumentError, match=r"path must end in \.png, \.jpg, \.jpeg, got"):
        plots.write_image(np.zeros((5, 6)), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ figures


def models(channels=1, **options):
    net = rp.Sequential(rp.Flatten(), rp.Linear(channels * 30, 7, rng=0))
    return features.class_model(net, shape=(channels, 5, 6), steps=5, **options)


def test_class_models_draws_every_image_under_its_name():
    found = models()
    figure = plots.class_models(found, title="a message")
    drawn = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == list(found.targets)
    for ax, image in zip(drawn, found.images, strict=True):
        assert_array_equal(ax.images[0].get_array(), image[0] / np.abs(image).max())
        assert ax.images[0].get_clim() == (-1, 1)
    assert figure.get_suptitle() == "a message"
    named = plots.class_models(found, [f"a{k}" for k in range(7)])
    assert named.axes[3].get_title() == "a3"


def test_class_models_draws_in_grey_without_negative_pixels_and_in_colours_with_three_channels():
    grey = plots.class_models(models(bounds=(0, 1)))
    assert grey.axes[0].images[0].get_cmap().name == "gray"
    figure = plots.class_models(models(3))
    pixels = figure.axes[0].images[0].get_array()
    assert pixels.shape == (5, 6, 3)
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_dream_draws_before_after_and_one_line_per_octave():
    found = features.dream(rp.Sequential(rp.Tanh()), np.full((1, 9, 8), 0.5), "0", octaves=3, steps=4, rng=0)
    whole = plt.figure()
    assert plots.dream(found, figure=whole) is whole
    before, after, growth = whole.axes
    assert_array_equal(before.images[0].get_array(), found.before[0])
    assert_array_equal(after.images[0].get_array(), found.image[0])
    assert before.images[0].get_clim() == after.images[0].get_clim()
    for line, objectives in zip(growth.lines, found.objectives, strict=True):
        assert_array_equal(line.get_ydata(), objectives)
    assert [text.get_text() for text in growth.get_legend().get_texts()] == ["4 × 4", "6 × 6", "9 × 8"]


def test_bad_arguments_are_refused():
    with pytest.raises(rp.ArgumentError, match="names must hold 7 names, one per image, got 2"):
        plots.class_models(models(), ["a", "b"])
    flat = features.class_model(rp.Linear(30, 2, rng=0), shape=(30,), steps=1)
    with pytest.raises(rp.ShapeError, match=r"result.images must be images, .* got shape \(2, 30\)"):
        plots.class_models(flat)
