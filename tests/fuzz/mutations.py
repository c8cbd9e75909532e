"""Mutations of bytes: the damage that disks, networks, editors and enemies do to files."""

import re
import struct

import numpy as np

NUMBERS = (0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 1000, 2**15, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62,
           2**63, 2**64 - 1)
TEXTS = (b"-1", b"0", b"1e400", b"-1e300", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'""', b"[", b"{", b'"', b",",
         b":", b"1" * 5000, b"[" * 3000, b'{"a":' * 3000, b"\xff\xfe", b"\0", b"\xed\xa0\x80", b"\\ud800", b"..", b"F8_E4M3",
         b"BF16", b"(", b")", b"None", b"O", b"<U9999999", b"1.5", b"99999999999999999999", b"\n", b" ", b"#")
VALUES = (None, True, False, -1, 0, 1, 7, 1.5, -0.5, 1e300, float("inf"), float("nan"), 2**31, 2**63, 2**70, 2**200, "", "x",
          "\n", "\ud800", [], {}, [1], [[]], {"a": 1}, "SGD", "F8_E4M3", "BF16", "F16", "F64", "I64", "BOOL", "U8")


def mutated(content, rng, texts=TEXTS):
    """Return the bytes after one to four random mutations."""
    content = bytearray(content)
    for _ in range(1 + min(3, int(rng.geometric(0.6)) - 1)):
        MUTATIONS[rng.integers(len(MUTATIONS))](content, rng, texts)
    return bytes(content)


def place(content, rng):
    """Return a position in the content: half of them near its beginning, where the headers are."""
    end = len(content) + 1 if rng.random() < 0.5 else min(len(content), 300) + 1
    return int(rng.integers(end))


def piece(content, rng):
    """Return the ends of a piece of the content."""
    i = place(content, rng)
    return i, min(len(content), i + int(rng.choice((1, 1, 2, 4, 8, 30, 200))))


def flip(content, rng, _):
    if content:
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))


def set_byte(content, rng, _):
    i, _ = piece(content, rng)
    content[i:i + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))))])


def set_number(content, rng, _):
    """Write a number of 1 to 8 bytes, such as a length or an offset, in either byte order."""
    i, size = place(content, rng), int(rng.choice((1, 2, 4, 8)))
    number = NUMBERS[rng.integers(len(NUMBERS))] % 2**(8 * size)
    content[i:i + size] = number.to_bytes(size, ("little", "big")[rng.integers(2)])


def set_float(content, rng, _):
    i, code = place(content, rng), "<" + "efd"[rng.integers(3)]
    content[i:i + struct.calcsize(code)] = struct.pack(code, rng.choice((np.nan, np.inf, -np.inf, -1.0, 0.0, 6e4, 1e-8)))


def change_digits(content, rng, _):
    """Replace a number that is written in digits."""
    found = list(re.finditer(rb"\d+", content))
    if found:
        number = found[rng.integers(len(found))]
        content[number.start():number.end()] = str(rng.choice((*NUMBERS[:12], int(rng.integers(10**6))))).encode()


def insert_text(content, rng, texts):
    i = place(content, rng)
    content[i:i] = texts[rng.integers(len(texts))]


def replace_text(content, rng, texts):
    i, j = piece(content, rng)
    content[i:j] = texts[rng.integers(len(texts))]


def replace_word(content, rng, texts):
    """Replace a word: a name, a type, a value."""
    found = list(re.finditer(rb"[\w.]+", content))
    if found:
        word = found[rng.integers(len(found))]
        other = found[rng.integers(len(found))].group() if rng.random() < 0.5 else texts[rng.integers(len(texts))]
        content[word.start():word.end()] = other


def delete(content, rng, _):
    i, j = piece(content, rng)
    del content[i:j]


def repeat(content, rng, _):
    i, j = piece(content, rng)
    content[j:j] = content[i:j] * int(rng.choice((1, 1, 2, 50)))


def move(content, rng, _):
    i, j = piece(content, rng)
    taken = content[i:j]
    del content[i:j]
    k = place(content, rng)
    content[k:k] = taken


def truncate(content, rng, _):
    del content[int(rng.integers(len(content) + 1)):]


def extend(content, rng, _):
    content += bytes(int(rng.choice((1, 4, 1000)))) if rng.random() < 0.5 else rng.bytes(int(rng.choice((1, 4, 1000))))


def noise(content, rng, _):
    i, j = piece(content, rng)
    content[i:j] = rng.bytes(j - i)


MUTATIONS = (flip, flip, set_byte, set_number, set_number, set_float, change_digits, change_digits, insert_text, replace_text,
             replace_word, delete, repeat, move, truncate, extend, noise)


def mutated_json(value, rng):
    """Return a value of JSON in which one part, however deep, is replaced, removed, repeated or renamed. Changes ``value``."""
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.05:
        return VALUES[rng.integers(len(VALUES))] if rng.random() < 0.95 else deep(rng)
    names = list(value) if isinstance(value, dict) else range(len(value))
    name, kind = names[rng.integers(len(names))], rng.random()
    if kind < 0.8:
        value[name] = mutated_json(value[name], rng)
    elif kind < 0.9:
        del value[name]
    elif isinstance(value, list):
        value.append(value[name])
    else:
        value[str(VALUES[rng.integers(len(VALUES))])] = value.pop(name) if kind < 0.95 else value[name]
    return value


def deep(rng):
    """Lists or dicts inside each other."""
    value = 1
    for _ in range(int(rng.choice((50, 400)))):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value
