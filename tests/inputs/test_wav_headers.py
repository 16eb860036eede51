"""Wav files whose headers state no sizes, or wrong ones."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.io import wavfile

from hetero_rsnn.common.errors import FileFormatError
from hetero_rsnn.inputs.files import read_series, read_wav

SAMPLES = {
    "mono": np.array([0, 2**14, -(2**15), 77], dtype="<i2"),
    "stereo": np.array([[1, -1], [2**14, 5], [-7, 8]], dtype="<i2"),
    "bytes": np.array([0, 128, 255], dtype="u1"),
    "floats": np.array([0.5, -0.25, 0.125], dtype="<f4"),
}


def wav(samples: np.ndarray, riff: int | None, data: int | None, extra: bytes = b"", tail: bytes = b"") -> bytes:
    """A wav file with these sizes in its header (None: the true ones), and a chunk before the samples."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    width = samples.dtype.itemsize
    rate, kind = 8000, 3 if samples.dtype.kind == "f" else 1
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * width, channels * width, 8 * width)
    size = samples.nbytes + len(tail) if data is None else data
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + extra + b"data" + struct.pack("<I", size)
    body += samples.tobytes() + tail
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 13) + b"Lavf60.3.100\0\0"


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg
        (0, 0),
        (0xFFFFFFFF, 0),
        (0x7FFFF024, 0x7FFFF000),  # sox
        (0x80000024, 0x80000000),  # arecord
        (0xFFFFFFFF, None),
        (0, None),
        (None, 0xFFFFFFFF),
        (None, None),
    ],
)
def test_files_that_were_written_to_a_pipe(tmp_path: Path, name: str, riff: int | None, data: int | None) -> None:
    samples = SAMPLES[name]
    for extra in (b"", LIST):
        path = tmp_path / "a.wav"
        path.write_bytes(wav(samples, None, None, extra))
        expected = read_series(path)
        path.write_bytes(wav(samples, riff, data, extra))
        found = read_series(path)
        assert_array_equal(found.values, expected.values)
        assert found.interval_ms == expected.interval_ms == 0.125
    scale, middle = {"u": (128, 128), "i": (2**15, 0), "f": (1, 0)}[samples.dtype.kind]
    assert_array_equal(expected.values, (samples.reshape(len(samples), -1).astype(float) - middle) / scale)


def test_half_a_frame_at_the_end_of_a_pipe_is_dropped(tmp_path: Path) -> None:
    data = wav(SAMPLES["stereo"], 0xFFFFFFFF, 0xFFFFFFFF, tail=b"\1\2\3")
    found, _, _ = read_wav(data, Path("a.wav"))
    assert_array_equal(found, SAMPLES["stereo"] / 2**15)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(SAMPLES["mono"], None, None)[:-2], "EOF after 6 of 8 bytes"),
        (wav(SAMPLES["mono"], None, 10), "EOF after 8 of 10 bytes"),  # the size of the whole is right
        (wav(SAMPLES["mono"], 0xFFFFFFFF, 10), "EOF after 8 of 10 bytes"),
        (wav(SAMPLES["mono"], None, 0xB0000000), "EOF after 8 of 2952790016 bytes"),  # a large file, cut
        (wav(SAMPLES["mono"], None, None, extra=b"data\2\0\0\0\1\1"), "two parts with samples"),
    ],
)
def test_files_that_lack_samples_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        read_wav(data, Path("a.wav"))


def test_no_samples(tmp_path: Path) -> None:
    for riff, data in ((None, None), (0, 0), (0xFFFFFFFF, 0xFFFFFFFF)):
        (tmp_path / "a.wav").write_bytes(wav(SAMPLES["mono"][:0], riff, data))
        with pytest.raises(Exception, match=r"a\.wav") as caught:
            read_series(tmp_path / "a.wav")
        assert "got shape (0, 1)" in str(caught.value) or "(0,)" in str(caught.value)


def test_large_sizes_that_are_true() -> None:
    """RF64, as scipy and ffmpeg write for more than 4 GB, has a size of -1 and the true one elsewhere."""
    samples = SAMPLES["mono"]
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEds64" + struct.pack("<IQQQI", 28, 0, samples.nbytes, samples.size, 0)
    body += b"fmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", 0xFFFFFFFF) + samples.tobytes()
    body = body[:12] + struct.pack("<Q", len(body)) + body[20:]
    try:
        rate, plain = wavfile.read(io.BytesIO(b"RF64" + struct.pack("<I", 0xFFFFFFFF) + body))
    except ValueError:
        pytest.skip("this scipy reads no RF64")
    assert rate == 8000 and plain.size == 4
    found, _, _ = read_wav(b"RF64" + struct.pack("<I", 0xFFFFFFFF) + body, Path("a.wav"))
    assert_array_equal(found, samples / 2**15)
