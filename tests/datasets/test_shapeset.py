"""`retroprop.datasets.shapeset`: images and outlines agree with the authors' description of Shapeset-3x2."""

import re
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from retroprop import datasets
from retroprop.datasets import EASY_SHAPESET, SHAPESET_CLASSES, shapes, shapeset
from retroprop.errors import ArgumentError

N = 4000
NAMES = ("triangle", "parallelogram", "ellipse")
SCALES = (0.2, 0.8)


@pytest.fixture(scope="module")
def images():
    """Return images (N, 32, 32) as levels 0 to 255, with their classes."""
    x, y = shapeset(N, rng=0)
    return np.round((x[:, 0] + 1) * 127.5).astype(int), y


@pytest.fixture(scope="module")
def drawn():
    """Return the random numbers of many scenes, and their first and second objects."""
    u = shapes._uniform(np.random.default_rng(0), N)
    return u, *shapes._scene(u, 2, SCALES)


def corners(one, kind):
    """Return the corners of the objects of one kind, shape (corners, images)."""
    return one.outline[:shapes.CORNERS[kind], one.kind == kind]


def axes_and_turns(points):
    """Return the two scales of affine images of a regular polygon, and both rotations, doubled, as numbers on the unit circle.

    A regular polygon is one Fourier coefficient, the first; scaling its axes adds the one of the opposite sign.
    """
    plus, minus = np.fft.fft(points, axis=0)[[1, -1]] / len(points)
    outer, inner = plus * minus, plus * np.conj(minus)
    sizes = 2 * (abs(plus) + abs(minus)), 2 * (abs(plus) - abs(minus))
    return sizes, inner / abs(inner), outer / abs(outer)


# What comes out


def test_images_are_images_of_one_channel_in_256_greys():
    x, y = shapeset(700, rng=0)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((700, 1, 32, 32), np.float32, (700,), np.int64)
    level = (x.astype(float) + 1) * 255 / 2
    assert_allclose(level, np.round(level), atol=1e-4)
    assert (x.min(), x.max()) == (-1, 1)


def test_classes_are_the_unordered_pairs_in_the_order_of_the_authors():
    t, p, e = NAMES
    pairs = [f"{t} + {p}", f"{p} + {e}", f"{t} + {e}", f"{t} + {t}", f"{p} + {p}", f"{e} + {e}"]
    assert list(SHAPESET_CLASSES) == [t, p, e, *pairs]


def test_the_class_tells_the_kinds(drawn):
    _, first, second = drawn
    _, y = shapeset(N, rng=0)
    for number, a, b in zip(y, first.kind, second.kind, strict=True):
        kinds = [NAMES[k] for k in (a, b) if k != shapes.NONE]
        assert sorted(SHAPESET_CLASSES[number].split(" + ")) == sorted(kinds)


def test_classes_are_not_equally_frequent():
    n = 20_000
    _, y = shapeset(n, rng=0)
    expected = n * np.array([1 / 6] * 3 + [1 / 9] * 3 + [1 / 18] * 3)
    assert_allclose(np.bincount(y), expected, atol=4 * np.sqrt(n / 9))


@pytest.mark.parametrize("options", [{}, EASY_SHAPESET])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(options):
    x, y = shapeset(30, rng=5, **options)
    again_x, again_y = shapeset(30, rng=np.random.default_rng(5), **options)
    assert_array_equal(x, again_x)
    assert_array_equal(y, again_y)
    assert not np.array_equal(x, shapeset(30, rng=6, **options)[0])
    assert not np.array_equal(x, shapeset(30, **options)[0])


@pytest.mark.parametrize("options", [{}, EASY_SHAPESET, {"scales": (0.8, 0.9)}])
def test_images_are_a_stream(options):
    """The first k of n images are those of n=k, and a second call continues the sequence, also within a chunk."""
    n = 2 * shapes.CHUNK + 3
    x, y = shapeset(n, rng=1, **options)
    for k in (1, 5, shapes.CHUNK - 1, shapes.CHUNK, shapes.CHUNK + 1):
        rng = np.random.default_rng(1)
        parts = [shapeset(k, rng=rng, **options), shapeset(n - k, rng=rng, **options)]
        assert_array_equal(np.concatenate([part[0] for part in parts]), x)
        assert_array_equal(np.concatenate([part[1] for part in parts]), y)


# Greys


def test_ground_and_objects_take_their_greys_from_opposite_ranges(images):
    level, _ = images
    ground = level[:, 0, 0]
    bright = ground > 127
    assert abs(bright.mean() - 0.5) < 0.04
    objects = level[level != ground[:, None, None]]
    dark_objects = np.broadcast_to(bright[:, None, None], level.shape)[level != ground[:, None, None]]
    for dark, light in ((ground[~bright], ground[bright]), (objects[dark_objects], objects[~dark_objects])):
        assert (dark.min(), dark.max()) == (0, 114)                 # 0.45 is 114.75 / 255
        assert (light.min(), light.max()) == (141, 255)             # 0.55 is 140.25 / 255
    assert_allclose(np.quantile(ground[bright], [0.25, 0.5, 0.75]), [169.5, 198, 226.5], atol=6)


def test_an_image_has_a_grey_for_the_ground_and_one_for_each_object(images):
    level, y = images
    greys = np.array([len(np.unique(one)) for one in level])
    assert set(greys[y < 3]) == {2}
    assert set(greys[y >= 3]) == {2, 3}                             # now and then two objects have the same one
    assert np.mean(greys[y >= 3] == 3) > 0.97


def test_later_objects_cover_earlier_ones(images, drawn):
    level, _ = images
    _, first, second = drawn
    both = second.kind != shapes.NONE
    below, above = shapes._inside(first.outline)[both], shapes._inside(second.outline)[both]
    for one, a, b in zip(level[both], below, above, strict=True):
        assert set(one[~a & ~b]) == {one[0, 0]}
        assert len(np.unique(one[b])) == 1
        assert len(np.unique(one[a & ~b])) == 1
    assert np.sum(below & above) > 1000


# Shapes


def test_objects_are_affine_images_of_regular_polygons(drawn):
    _, *objects = drawn
    for one in objects:
        for kind, n in enumerate((3, 4, 20)):
            points = corners(one, kind)
            assert len(points) == n
            coefficients = abs(np.fft.fft(points - one.centre[one.kind == kind], axis=0))
            assert_allclose(np.delete(coefficients, [1, n - 1], axis=0), 0, atol=1e-10)
            edges = np.roll(points, -1, axis=0) - points
            area = np.sum(np.imag(np.conj(points) * np.roll(points, -1, axis=0)), axis=0) / 2
            assert_allclose(area, one.area[one.kind == kind])
            assert np.all(np.imag(np.conj(edges) * np.roll(edges, -1, axis=0)) > 0)         # convex
    square = corners(objects[0], 1)
    assert_allclose(square[0] - square[1] + square[2] - square[3], 0, atol=1e-12)           # a parallelogram


def test_scales_are_uniform_and_the_larger_comes_first(drawn):
    _, first, _ = drawn
    for kind in range(3):
        (long, short), *_ = axes_and_turns(corners(first, kind))
        assert 0.2 * 32 <= short.min() < 0.22 * 32
        assert 0.78 * 32 < long.max() <= 0.8 * 32
        assert_allclose([long.mean() / 32, short.mean() / 32], [0.6, 0.4], atol=0.02)       # order statistics of two


def test_turns_are_uniform(drawn):
    """Rotations before the scaling cover the polygon's symmetry, rotations after it all angles."""
    _, first, _ = drawn
    for kind, n in enumerate((3, 4, 20)):
        _, inner, outer = axes_and_turns(corners(first, kind))
        error = 4 / np.sqrt(len(inner))
        points = corners(first, kind)
        corner = np.sum(points * np.exp(-2j * np.pi * np.arange(n) / n)[:, None], axis=0)   # both turns, not doubled
        assert abs(np.mean(corner / abs(corner))) < error
        assert abs(outer.mean()) < error
        assert abs(np.mean(inner**n)) < error
        whole = 4j * np.pi / n                                      # twice the angle of the symmetry
        assert abs(inner.mean() - (np.exp(whole) - 1) / whole) < error


def test_objects_stay_a_pixel_inside_and_reach_all_places(images, drawn):
    level, _ = images
    border = np.ones((32, 32), bool)
    border[1:-1, 1:-1] = False
    assert np.ptp(level[:, border], axis=1).max() == 0
    _, *objects = drawn
    for one in objects:
        points = one.outline
        places = []
        for a in (points.real, points.imag):
            room = a.min(axis=0) - 1, 31 - a.max(axis=0)
            assert min(room[0].min(), room[1].min()) >= -1e-12
            place = room[0] / (room[0] + room[1])
            places.append(place)
            if one is objects[0]:                                   # rejections push the second away from the first
                assert_allclose(np.quantile(place, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.03)
        assert abs(np.corrcoef(places)[0, 1]) < 4 / np.sqrt(N)


def test_areas_of_the_classes_in_pixels():
    """A regular polygon of radius 1/2 on the mean scales; the product of two independent ones has the mean 0.6 ** 2."""
    x, y = shapeset(N, **EASY_SHAPESET, rng=0)
    pixels = np.sum(x[:, 0] > 0, axis=(1, 2))
    for kind, n in enumerate((3, 4, 20)):
        assert_allclose(pixels[y == kind].mean(), n / 8 * np.sin(2 * np.pi / n) * (0.6 * 32) ** 2, rtol=0.03)


def test_a_pixel_is_painted_where_its_centre_is_inside():
    level = np.array([4, 20, 20 + 9j, 4 + 9j]) + 4j                 # edges along the rows and columns
    outline = np.concatenate([level, level])[:, None]
    expected = np.zeros((32, 32), bool)
    expected[4:13, 4:20] = True
    assert_array_equal(shapes._inside(outline)[0], expected)

    turned = shapes._scene(shapes._uniform(np.random.default_rng(3), 60), 1, SCALES)[0].outline
    centres = np.add.outer(1j * np.arange(32), np.arange(32)) + 0.5 + 0.5j
    for points, inside in zip(turned.T, shapes._inside(turned), strict=True):
        sides = [np.imag(np.conj(b - a) * (centres - a)) for a, b in pairwise(points)]
        assert_array_equal(inside, np.min(sides, axis=0) >= 0)


# Overlap


def regular(n, centre, radius):
    """Return a polygon whose first corner is centre + radius, a complex number."""
    outline = radius * np.exp(2j * np.pi * np.arange(n + 1) / n) + centre
    return shapes.Shapes(np.array([0]), outline[:, None], np.array([centre]), np.array([abs(radius) ** 2]))


@pytest.mark.parametrize(("distance", "radius", "expected"), [
    (10, 5, 0), (8, 5, 1 - 2**-0.25), (5, 5, 0.5), (1e-9, 5, 1), (1e-9, 2, 0.16), (4, 3, 0.36 * 0.5), (20, 5, 1 - 2**0.5),
])
def test_estimated_overlap(distance, radius, expected):
    """For discs, the share is 0 where they touch, and the second disc's whole area if it is inside the first."""
    first, second = regular(20, 10 + 10j, 5), regular(20, 10 + distance + 10j, radius)
    assert_allclose(shapes._overlap(first, second), expected, atol=1e-8)


@pytest.mark.parametrize(("radii", "touching"), [((4, 4), 6), ((4, -4), 8), ((-4, 4), 4), ((-4, -4), 6)])
def test_estimated_overlap_begins_where_shapes_touch(radii, touching):
    """A triangle reaches twice as far in the direction of a corner as in that of the opposite side."""
    for direction in (1, np.exp(0.7j)):
        for distance in (touching - 0.1, touching + 0.1):
            one = regular(3, 9 + 9j, radii[0] * direction)
            other = regular(3, 9 + 9j + distance * direction, radii[1] * direction)
            assert (shapes._overlap(one, other) > 0) == (distance < touching)


@pytest.mark.parametrize("scales", [SCALES, (0.7, 0.8)])
def test_a_second_object_is_redrawn_until_it_overlaps_little(scales):
    u = shapes._uniform(np.random.default_rng(0), N)
    first, second = shapes._scene(u, 2, scales)
    wanted = u.number >= 0.5
    there = second.kind != shapes.NONE
    assert not there[~wanted].any()
    assert shapes._overlap(first, second)[there].max() <= 0.5

    kinds = (3 * u.kinds[1]).astype(int)
    draws = [shapes._shapes(kinds, u.turns[1], one, scales) for one in u.second]
    accepted = np.array([shapes._overlap(first, one) <= 0.5 for one in draws])
    assert len(accepted) == 50
    assert_array_equal(there, wanted & accepted.any(axis=0))        # left out after 50 vain draws
    taken = accepted.argmax(axis=0)
    for i in np.flatnonzero(there):
        assert_array_equal(second.outline[:, i], draws[taken[i]].outline[:, i])
    assert taken[there].max() > 5
    assert np.mean(wanted & ~there) < 0.002 if scales == SCALES else np.sum(wanted & ~there) > 20


# Arguments


def test_the_easy_set_is_one_large_bright_shape_on_a_dark_ground():
    x, y = shapeset(N, **EASY_SHAPESET, rng=0)
    assert_allclose(np.bincount(y) / N, 1 / 3, atol=0.03)
    level = np.round((x + 1) * 127.5)
    ground, objects = level[level < 127], level[level > 127]
    assert (ground.min(), ground.max(), objects.min(), objects.max()) == (0, 51, 204, 255)
    assert_array_equal(level[:, 0, 0, 0] < 127, True)
    assert abs(np.corrcoef(level[:, 0, 0, 0], level.max(axis=(1, 2, 3)))[0, 1]) < 4 / np.sqrt(N)
    (long, short), *_ = axes_and_turns(corners(
        shapes._scene(shapes._uniform(np.random.default_rng(0), N), 1, EASY_SHAPESET["scales"])[0], 2))
    assert 0.4 <= short.min() / 32 < 0.42
    assert 0.78 < long.max() / 32 <= 0.8


def test_greys_may_be_one_level_each():
    x, _ = shapeset(20, objects=1, background=(0, 0), foreground=(1, 1), rng=0)
    assert_array_equal(np.unique(x), [-1, 1])
    assert {*x[:, 0, 0, 0]} == {-1, 1}
    x, _ = shapeset(20, objects=1, background=(0, 0), foreground=(1, 1), swap=False, rng=0)
    assert {*x[:, 0, 0, 0]} == {-1}


@pytest.mark.parametrize(("options", "text"), [
    ({"n": 0}, "n must be an integer of at least 1, got 0"),
    ({"objects": 0}, "objects must be an integer of at least 1, got 0"),
    ({"objects": 3}, "objects must be 1 or 2, got 3"),
    ({"scales": 0.5}, "scales must be a pair of numbers, got 0.5"),
    ({"scales": (0.2, 0.95)}, "scales[1] must be a number in [0, 0.9375], got 0.95"),
    ({"scales": (0, 0.5)}, "scales must be at least 2/32, two pixels, got (0.0, 0.5)"),
    ({"scales": (0.8, 0.2)}, "scales must be in order, got (0.8, 0.2)"),
    ({"background": (-1, 1)}, "background[0] must be a number in [0, 1], got -1"),
    ({"foreground": (0.5, 2)}, "foreground[1] must be a number in [0, 1], got 2"),
    ({"foreground": (0.5, 0.501)}, "foreground must contain a grey k/255 with k an integer, got (0.5, 0.501)"),
])
def test_shapeset_refuses_arguments_without_drawing(options, text):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        shapeset(**{"n": 5, **options}, rng=rng)
    assert rng.bit_generator.state == before


def test_shapeset_has_a_default_size():
    assert datasets.shapeset(rng=0)[0].shape == (10_000, 1, 32, 32)
