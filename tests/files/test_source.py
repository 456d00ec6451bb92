"""Where files come from: a law, or bytes on a disk."""

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mds_sim.distributions import Constant, Exponential
from mds_sim.files import source
from mds_sim.files.file import File, scan_files
from mds_sim.files.source import FileSource, write_files
from mds_sim.units import MB


class TestFileSource:
    def test_a_night_is_100_exponential_files_of_a_megabyte(self) -> None:
        # n = 1e5 draws of scv 1: P(|z| >= 4.71) = 2.5e-6 if all is well, and a bias
        # of 2.1 % is seen with probability 0.98.
        sizes = FileSource().sample(nights=1000, rng=3)
        assert sizes.shape == (1000, 100)
        assert sizes.dtype == np.int64
        assert sizes.min() >= 1
        z = (sizes.mean() - 1 * MB) / (1 * MB / math.sqrt(sizes.size))
        assert abs(z) < 4.71

    def test_more_nights_begin_with_the_same_nights(self) -> None:
        files = FileSource(count=7)
        assert np.array_equal(files.sample(5, rng=1)[:2], files.sample(2, rng=1))

    def test_a_generator_moves_on(self) -> None:
        rng = np.random.default_rng(1)
        files = FileSource(count=7)
        assert not np.array_equal(files.sample(rng=rng), files.sample(rng=rng))

    def test_sizes_are_whole_and_never_zero(self) -> None:
        assert FileSource(2, Constant(0.2)).sample().tolist() == [[1, 1]]
        assert FileSource(2, Constant(2.6)).sample().tolist() == [[3, 3]]

    def test_a_law_of_scipy_will_do(self) -> None:
        files = FileSource(4, stats.lognorm(s=1.0, scale=1e6))
        assert files.sample(rng=1).shape == (1, 4)

    def test_files_are_a_row_of_sizes_with_names(self) -> None:
        nights = FileSource(count=3)
        files = nights.files(rng=1, night=2)
        assert [file.size_bytes for file in files] == nights.sample(3, 1)[2].tolist()
        assert [file.name for file in files] == [
            "night-002-file-000.bin",
            "night-002-file-001.bin",
            "night-002-file-002.bin",
        ]
        assert files[0].path is files[0].sha256 is None

    def test_names_sort_as_their_numbers_do(self) -> None:
        names = [file.name for file in FileSource(count=1200).files(rng=1)]
        assert names == sorted(set(names))

    def test_it_is_a_small_value(self) -> None:
        assert FileSource(5) == FileSource(5, Exponential(1 * MB))

    @pytest.mark.parametrize(
        ("act", "kind", "message"),
        [
            (lambda: FileSource(0), ValueError, "count must be >= 1, got 0"),
            (
                lambda: FileSource(1.5),
                TypeError,
                "count must be a whole number, got 1.5",
            ),  # type: ignore[arg-type]
            (
                lambda: FileSource(1, 7),  # type: ignore[arg-type]
                TypeError,
                "sizes must be a law such as Exponential(mean) or a frozen "
                "scipy.stats distribution, got 7",
            ),
            (lambda: FileSource().sample(0), ValueError, "nights must be >= 1, got 0"),
            (
                lambda: FileSource().files(night=-1),
                ValueError,
                "night must be >= 0, got -1",
            ),
            (
                lambda: FileSource(1, stats.norm(-5, 0.1)).sample(rng=1),
                ValueError,
                "draws of sizes must be >= 0 and finite [s], but draws of sizes[0] = ",
            ),
        ],
    )
    def test_bad_input(self, act: Any, kind: type[Exception], message: str) -> None:
        with pytest.raises(kind, match=f"^{re.escape(message)}[-.0-9]*$"):
            act()


class TestWriteFiles:
    def test_they_are_as_large_as_wanted_and_known_by_their_hash(
        self, tmp_path: Path
    ) -> None:
        sizes = [0, 1, 5, source.CHUNK, source.CHUNK + 3]
        files = write_files(tmp_path / "new" / "folder", sizes, rng=1)
        assert [file.size_bytes for file in files] == sizes
        for file in files:
            assert file.path is not None
            content = file.path.read_bytes()
            assert len(content) == file.size_bytes
            assert hashlib.sha256(content).hexdigest() == file.sha256
        found = [(file.name, file.size_bytes) for file in scan_files(tmp_path / "new")]
        assert found == [(f"folder/file-{i:03}.bin", n) for i, n in enumerate(sizes)]

    def test_the_same_seed_writes_the_same_bytes(self, tmp_path: Path) -> None:
        digests = [
            [file.sha256 for file in write_files(tmp_path / where, [9, 9], rng=seed)]
            for where, seed in [("a", 1), ("b", 1), ("c", 2)]
        ]
        assert digests[0] == digests[1] != digests[2]
        assert digests[0][0] != digests[0][1]

    def test_names_may_have_folders(self, tmp_path: Path) -> None:
        (file,) = write_files(tmp_path, [3], names=["day/a.bin"], rng=1)
        assert file == File(3, "day/a.bin", tmp_path / "day" / "a.bin", file.sha256)
        assert (tmp_path / "day" / "a.bin").is_file()

    def test_no_files(self, tmp_path: Path) -> None:
        assert write_files(tmp_path, []) == []

    def test_nothing_is_overwritten_and_nothing_begun(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(b"mine")
        message = f"names must be new, but {str(tmp_path / 'b')!r} exists"
        with pytest.raises(FileExistsError, match=f"^{re.escape(message)}$"):
            write_files(tmp_path, [1, 1], names=["a", "b"])
        assert [(f.name, f.size_bytes) for f in scan_files(tmp_path)] == [("b", 4)]

    def test_not_even_a_file_that_came_in_between(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "b").write_bytes(b"mine")
        monkeypatch.setattr("os.path.lexists", lambda path: False)
        with pytest.raises(FileExistsError):
            write_files(tmp_path, [1], names=["b"])
        assert (tmp_path / "b").read_bytes() == b"mine"

    @pytest.mark.parametrize(
        ("sizes", "names", "message"),
        [
            ([-1], None, "sizes must be whole bytes >= 0, but sizes[0] = -1"),
            ([1, 2], ["a"], "names must be as many as sizes, 2, got 1"),
            (
                [1, 2],
                ["a", "./a"],
                "names must be different, but names[0] and names[1] are both './a'",
            ),
            ([1], ["../a"], "names[0] must stay inside the folder, got '../a'"),
            ([1], ["/a"], "names[0] must stay inside the folder, got '/a'"),
        ],
    )
    def test_bad_input(
        self, tmp_path: Path, sizes: Any, names: Any, message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            write_files(tmp_path / "in", sizes, names)
        assert list(tmp_path.iterdir()) == []
