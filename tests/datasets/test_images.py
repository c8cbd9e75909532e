"""Folders of images: the classes are the folders, the images of one size, and nothing else is read."""

import re

import numpy as np
import pytest

import retroprop as rp
from retroprop.datasets.data_set import data_set
from retroprop.plots import read_image, write_image

R = np.random.default_rng(2)


def write(folder, names=("cat", "dog"), count=3, shape=(4, 5), suffix="png"):
    """Images of levels k/255, which PNG keeps."""
    images = []
    for name in names:
        for k in range(count):
            image = R.integers(0, 256, shape) / 255
            write_image(image, folder / name / f"{k}.{suffix}")
            images.append(image)
    return np.array(images)


def test_the_folders_are_the_classes(tmp_path):
    images = write(tmp_path, shape=(3, 4, 5))
    found = data_set(tmp_path)
    assert (found.x.dtype, found.x.shape, found.test, found.notes) == (np.float32, (6, 3, 4, 5), None, ())
    np.testing.assert_allclose(found.x, images, atol=1e-6)
    assert found.y.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert (found.targets.kind, found.targets.names, found.name) == ("binary", ("cat", "dog"), tmp_path.name)
    (x, y), test = rp.datasets.load(tmp_path)
    assert (x.shape, y.tolist(), test) == ((6, 3, 4, 5), found.y.tolist(), None)


def test_grey_files_have_one_channel_unless_another_file_has_colours(tmp_path):
    """matplotlib writes grey as colours: these files are written by Pillow."""
    from PIL import Image
    grey = R.integers(0, 256, (4, 5), "u1")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(grey).save(tmp_path / name / "0.png")
    np.testing.assert_allclose(data_set(tmp_path).x[:, 0], [grey / 255] * 2, atol=1e-6)
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "a" / "1.png")
    assert data_set(tmp_path).x.shape == (3, 3, 4, 5)


def test_train_and_test_folders_are_the_parts(tmp_path):
    write(tmp_path / "train")
    held_out = write(tmp_path / "test", count=2, shape=(3, 4, 5))
    write(tmp_path / "val", count=1)
    found = data_set(tmp_path)
    assert (found.x.shape, found.test[0].shape) == ((6, 3, 4, 5), (4, 3, 4, 5))
    np.testing.assert_allclose(found.test[0], held_out, atol=1e-6)
    assert found.test[1].tolist() == ["cat"] * 2 + ["dog"] * 2
    assert found.notes == (f"Only train and test of {tmp_path.name} were read, not val.",)


def test_hidden_and_other_files_are_passed_over(tmp_path):
    write(tmp_path, suffix="JPEG".lower())
    for name in (".DS_Store", ".hidden/0.png", "cat/.0.png", "cat/Thumbs.db", "readme.txt", "cat/.git/0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no image")
    found = data_set(tmp_path)
    assert len(found.x) == 6
    assert found.notes == (f"2 files in {tmp_path.name} that are no PNG or JPEG images of a class were passed over.",)


def test_photographs_are_turned_upright_as_read_image_does(tmp_path):
    from PIL import Image
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(R.integers(0, 256, (4, 6, 3), "u1")).save(tmp_path / name / "0.jpg", exif=exif)
    found = data_set(tmp_path)
    assert found.x.shape == (2, 3, 6, 4)
    np.testing.assert_array_equal(found.x[0], read_image(tmp_path / "a" / "0.jpg"))


def test_what_is_no_folder_of_images_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold the four files of MNIST, but lacks"):
        data_set(tmp_path)
    write(tmp_path, names=("cat",))
    with pytest.raises(rp.DataError, match="must hold at least two folders with PNG or JPEG images, one for each class, got 1"):
        data_set(tmp_path)
    write(tmp_path, names=("dog",), shape=(5, 4), count=1)
    text = f"{tmp_path / 'dog' / '0.png'} must be as large as {tmp_path / 'cat' / '0.png'}, 4 x 5 pixels, got 5 x 4"
    with pytest.raises(rp.ShapeError, match=f"^{re.escape(text)}$"):
        data_set(tmp_path)
    (tmp_path / "dog" / "0.png").write_bytes(b"no image")
    with pytest.raises(rp.FileFormatError, match=r"0\.png must be a PNG or JPEG file, but cannot be read as one"):
        data_set(tmp_path)
    write(tmp_path / "all" / "train")
    write(tmp_path / "all" / "test", names=("cat", "cow"))
    with pytest.raises(rp.DataError, match="test must hold the classes cat, dog, got 'cow'"):
        data_set(tmp_path / "all")
