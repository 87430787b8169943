"""MNIST and Fashion-MNIST: files, checksums, the three sizes, and the ways they can be missing."""

import gzip
import hashlib
import importlib.util
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import warnings
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from hypothesis import given, strategies as st
from torch.nn.functional import avg_pool2d, pad
from torchvision.datasets import MNIST

from gan_helpers.datasets import images
from gan_helpers.datasets.idx import FASHION_SHA256, SHA256
from gan_helpers.datasets.images import (
    FASHION_CLASSES,
    Images,
    load_fashion,
    load_mnist,
    to_size,
)

DATA = Path(__file__).parents[1] / "data"
LABELS, PICTURES = "t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"
CLOTHES = "fashion-test-images-idx3-ubyte"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def test_set():
    return load_mnist("test")


@pytest.fixture(scope="module")
def clothes():
    return load_fashion("test")


@pytest.fixture(scope="module")
def maker():
    """data/make_fashion.py; a script beside the data, in no package."""
    spec = importlib.util.spec_from_file_location("make_fashion", DATA / "make_fashion.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """Neither embedded files nor a cache: what an installation without them sees."""
    monkeypatch.setattr(images, "EMBEDDED", (tmp_path / "nowhere",))
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    return tmp_path


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def served(folder, monkeypatch):
    """torchvision's own download code, but from a folder on this machine: no network."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))
    ) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        md5 = [(gz, hashlib.md5((folder / gz).read_bytes()).hexdigest()) for gz in gz_names()]
        monkeypatch.setattr(MNIST, "resources", md5)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def mirror(monkeypatch):
    with served(DATA, monkeypatch):
        yield


def gz_names():
    return [f"{name}.gz" for name in SHA256]


def unpacked(name):
    return gzip.decompress((DATA / f"{name}.gz").read_bytes())


def copy_of_data(folder):
    folder.mkdir()
    for name in gz_names():
        shutil.copy(DATA / name, folder)
    return folder


# --- the data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("train", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("test", [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    ],
)
def test_mnist_is_complete(split, counts):
    """The class counts of the published data set."""
    data = load_mnist(split, size=16)
    assert torch.bincount(data.y).tolist() == counts
    assert len(data) == sum(counts) and data.y.dtype == torch.int64


def test_the_same_pictures_as_torchvision_reads(tmp_path, test_set):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in SHA256:
        (raw / name).write_bytes(unpacked(name))
    oracle = MNIST(tmp_path, train=False)
    assert torch.equal(((test_set.x[:, 0] + 1) * 127.5).round().byte(), oracle.data)
    assert torch.equal(test_set.y, oracle.targets)
    assert torch.equal(load_mnist("test", root=tmp_path).x, test_set.x)  # torchvision's folder


@pytest.mark.parametrize("size", [16, 28, 32])
def test_sizes(size, test_set):
    x = load_mnist("test", size).x
    assert x.shape == (10_000, 1, size, size) and x.dtype == torch.float32
    padded = pad(test_set.x, [2] * 4, value=-1.0)
    expected = {16: avg_pool2d(padded, 2), 28: test_set.x, 32: padded}[size]
    assert torch.allclose(x, expected, atol=1e-6)


def test_black_is_minus_one_and_white_is_one():
    pixels = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    pixels[0, 0, 2:4, 2:4] = 255
    for size, white in ((28, 4), (32, 4), (16, 1)):
        x = to_size(pixels, size)
        assert (x == 1).sum() == white and (x == -1).sum() == size**2 - white
    assert to_size(pixels, 16)[0, 0, 2, 2] == 1  # the border of 1 shifts pixel pair (1, 1)


def test_event_shape_and_name(test_set):
    assert test_set.event_shape == (1, 28, 28)
    assert test_set.name == "MNIST test 28x28"


@pytest.mark.parametrize(("split", "n"), [("train", 20_000), ("test", 5_000)])
def test_the_classes_of_fashion_take_turns(split, n):
    """So that any first 10 n pictures hold n of each."""
    data = load_fashion(split, size=16)
    assert data.x.shape == (n, 1, 16, 16) and data.x.dtype == torch.float32
    assert torch.equal(data.y, torch.arange(n) % len(FASHION_CLASSES))
    assert len(set(FASHION_CLASSES)) == 10 and data.name == f"Fashion-MNIST {split} 16x16"


@pytest.mark.parametrize("size", [16, 28, 32])
def test_sizes_of_fashion(size, clothes):
    pixels = ((clothes.x + 1) * 127.5).round().byte()
    assert clothes.event_shape == (1, 28, 28)
    assert torch.equal(load_fashion("test", size).x, to_size(pixels, size))


def test_clothes_look_like_what_they_are_called(clothes):
    """Were labels and pictures out of step, all classes would have the same mean picture."""
    mean = {name: clothes.of_class(y).x.mean(0)[0] for y, name in enumerate(FASHION_CLASSES)}
    middle = slice(13, 15)
    assert mean["trousers"][-4:, middle].mean() < mean["trousers"][-4:, 8:12].mean()  # two legs
    for shoe in ("sandal", "sneaker", "ankle boot"):  # wider than high, and upper left empty
        assert mean[shoe][:8, :8].mean() < -0.9 < mean["coat"][:8, :8].mean()
    assert mean["pullover"][10:, :6].mean() > mean["T-shirt"][10:, :6].mean() + 0.2  # long sleeves


def test_few_pictures_of_fashion_are_there_twice(clothes):
    """As data/README.md says: 7 in all, 2 of them with one copy in each part."""
    train, test = ([x.numpy().tobytes() for x in data.x] for data in (load_fashion(), clothes))
    assert len(train) - len(set(train)) == 5 and len(test) == len(set(test))
    assert len(set(train) & set(test)) == 2


# --- sampling ----------------------------------------------------------------------------------


def test_samples_are_pictures_of_the_set(test_set):
    few = Images("few", test_set.x[:5], test_set.y[:5])
    x = few.sample(400, seeded())
    which = (x[:, None] == few.x).flatten(2).all(2)  # (400, 5)
    assert x.shape == (400, 1, 28, 28) and which.any(1).all()
    assert (which.float().mean(0) - 1 / 5).abs().max() < 0.12  # 6 standard errors


def test_same_generator_state_same_samples(test_set):
    rng = seeded(1)
    first, second = test_set.sample(8, rng), test_set.sample(8, rng)
    assert torch.equal(test_set.sample(8, seeded(1)), first)
    assert not torch.equal(first, second)


def test_sampling_leaves_the_global_random_state_alone(test_set):
    before = torch.get_rng_state()
    test_set.sample(8, seeded())
    assert torch.equal(torch.get_rng_state(), before)


@given(st.sets(st.integers(0, 9), min_size=1))
def test_of_class(digits):
    y = torch.arange(40) % 10
    x = (y / 10).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    chosen = Images("any", x, y).of_class(*digits)
    assert set(chosen.y.tolist()) == digits and len(chosen) == 4 * len(digits)
    assert torch.equal(chosen.x[:, 0, 0, 0], chosen.y / 10)  # pictures go with their classes


def test_to_gives_equal_images(test_set):
    moved = test_set.to("cpu")
    assert torch.equal(moved.x, test_set.x) and moved.name == test_set.name


@pytest.mark.gpu
def test_on_a_gpu(test_set):
    data = test_set.to("cuda").of_class(3)
    assert data.sample(4, torch.Generator("cuda").manual_seed(0)).is_cuda
    with pytest.raises(ValueError, match="rng"):
        data.sample(4, seeded())


# --- files -------------------------------------------------------------------------------------


def test_readme_code_and_files_agree():
    listed = dict(
        re.findall(r"(?m)^([0-9a-f]{64})  (\S+)$", (DATA / "README.md").read_text("utf-8"))
    )
    listed = {name: digest for digest, name in listed.items()}
    expected = {**SHA256, **FASHION_SHA256}
    on_disk = {f"{name}.gz": (DATA / f"{name}.gz").read_bytes() for name in expected}
    inside = {name: unpacked(name) for name in expected}
    actual = {k: hashlib.sha256(v).hexdigest() for k, v in {**on_disk, **inside}.items()}
    assert listed == actual
    assert {name: actual[name] for name in expected} == expected
    assert {path.name for path in DATA.iterdir()} >= {"README.md", *on_disk}


def test_files_are_the_published_ones():
    """MD5 as published for the plain IDX files."""
    assert {name: hashlib.md5(unpacked(name)).hexdigest() for name in SHA256} == {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }


def test_another_folder(tmp_path, test_set):
    for root in (copy_of_data(tmp_path / "a"), str(tmp_path / "a")):
        assert torch.equal(load_mnist("test", root=root).y, test_set.y)


def test_installed_package_finds_its_own_files(no_data, monkeypatch, test_set):
    """A wheel carries the files inside the package, without the checkout's data/."""
    monkeypatch.setattr(images, "EMBEDDED", (copy_of_data(no_data / "_data"), no_data / "data"))
    assert torch.equal(load_mnist("test").y, test_set.y)


def test_missing_file_is_named_with_the_way_back(no_data):
    with pytest.raises(FileNotFoundError) as error:
        load_mnist("test")
    for part in (
        "t10k-images-idx3-ubyte.gz is missing",
        "nowhere",
        "git checkout -- data/t10k",
        "download=True",
    ):
        assert part in str(error.value)


def test_missing_file_in_a_given_folder_is_not_taken_from_elsewhere(tmp_path):
    folder = copy_of_data(tmp_path / "a")
    (folder / f"{LABELS}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=LABELS):
        load_mnist("test", root=folder)
    assert len(load_mnist("train", root=folder)) == 60_000  # the other split is whole


@pytest.mark.parametrize("where", [0, 8, 2000, -4])
def test_one_flipped_bit_is_found(tmp_path, where):
    """In the header of gzip, in the body, in its checksum."""
    path = copy_of_data(tmp_path / "a") / f"{LABELS}.gz"
    content = bytearray(path.read_bytes())
    content[where] ^= 1 if where else 255
    path.write_bytes(content)
    if where == 8:  # gzip's note on how hard it tried: the contents are whole
        assert len(load_mnist("test", root=path.parent)) == 10_000
        return
    with pytest.raises(OSError, match=re.escape(str(path)) + " is damaged"):
        load_mnist("test", root=path.parent)


def test_truncated_file_is_found(tmp_path):
    path = copy_of_data(tmp_path / "a") / f"{PICTURES}.gz"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(OSError, match=re.escape(str(path)) + " is damaged.*git checkout"):
        load_mnist("test", root=path.parent)


def test_wrong_contents_are_found_with_both_checksums(tmp_path):
    path = copy_of_data(tmp_path / "a") / f"{LABELS}.gz"
    wrong = bytearray(unpacked(LABELS))
    wrong[8] ^= 1  # one label
    path.write_bytes(gzip.compress(wrong))
    with pytest.raises(OSError, match="is damaged") as error:
        load_mnist("test", root=path.parent)
    for part in (str(path), SHA256[LABELS], hashlib.sha256(wrong).hexdigest(), "download=True"):
        assert part in str(error.value)


def fashion_in(folder, monkeypatch):
    """A copy of the files of Fashion-MNIST, and no others to be found."""
    folder.mkdir()
    for name in FASHION_SHA256:
        shutil.copy(DATA / f"{name}.gz", folder)
    monkeypatch.setattr(images, "EMBEDDED", (folder,))
    return folder


def test_installed_package_finds_its_own_fashion(tmp_path, monkeypatch, clothes):
    fashion_in(tmp_path / "_data", monkeypatch)
    assert torch.equal(load_fashion("test").x, clothes.x)


def test_missing_fashion_is_named_with_the_way_back(no_data):
    with pytest.raises(FileNotFoundError) as error:
        load_fashion("test")
    for part in (f"{CLOTHES}.gz is missing", "nowhere", f"git checkout -- data/{CLOTHES}.gz"):
        assert part in str(error.value)
    assert "download" not in str(error.value)  # there is none


def test_damaged_fashion_is_named_with_the_way_back(tmp_path, monkeypatch):
    path = fashion_in(tmp_path / "a", monkeypatch) / f"{CLOTHES}.gz"
    wrong = bytearray(unpacked(CLOTHES))
    wrong[5000] ^= 1
    for content in (b"", path.read_bytes()[:100_000], gzip.compress(wrong, 1)):
        path.write_bytes(content)
        with pytest.raises(OSError, match=re.escape(str(path)) + " is damaged") as error:
            load_fashion("test")
        assert f"git checkout -- data/{CLOTHES}.gz" in str(error.value)
        assert "download" not in str(error.value)
    assert FASHION_SHA256[CLOTHES] in str(error.value)  # of the last one, whole but wrong


# --- making Fashion-MNIST ----------------------------------------------------------------------


def packed_like_npm(path, classes):
    """A package with these rows of numbers for each class."""
    with tarfile.open(path, "w:gz") as package:
        for label, rows in enumerate(classes):
            content = json.dumps({"data": rows}).encode()
            member = tarfile.TarInfo(f"package/src/clothes/{label}.json")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return path


def test_made_from_the_package(maker, tmp_path, monkeypatch):
    """Three pictures of each class, the i-th of class c all 10 c + i; two empty rows between."""
    classes = [[[10 * c + i] * 784 for i in range(3)] for c in range(10)]
    classes[0] = [classes[0][0], [], *classes[0][1:], []]
    monkeypatch.setattr(maker, "PARTS", {"train": slice(0, 2), "test": slice(2, 3)})
    maker.make(packed_like_npm(tmp_path / "a.tgz", classes), tmp_path)
    for part, which in (("train", [0, 1]), ("test", [2])):
        pictures, labels = (
            gzip.decompress((tmp_path / f"fashion-{part}-{end}-ubyte.gz").read_bytes())
            for end in ("images-idx3", "labels-idx1")
        )
        n = 10 * len(which)
        assert pictures[:16] == struct.pack(">4I", 0x803, n, 28, 28)  # as MNIST's begin
        assert labels[:8] == struct.pack(">2I", 0x801, n)
        assert list(labels[8:]) == list(range(10)) * len(which)
        wanted = (bytes([10 * c + i]) * 784 for i in which for c in range(10))
        assert pictures[16:] == b"".join(wanted)


@pytest.mark.parametrize("row", [[0] * 783, [0] * 783 + [256], [0] * 783 + [-1], [0.5] * 784])
def test_a_row_that_is_no_picture_is_named(maker, tmp_path, row):
    path = packed_like_npm(tmp_path / "a.tgz", [[[0] * 784, row]])
    with pytest.raises(ValueError, match=r"clothes/0\.json: picture 1 is not 784 whole numbers"):
        maker.make(path, tmp_path)


# --- torchvision's download --------------------------------------------------------------------


def test_download_fills_the_cache(no_data, mirror, test_set):
    assert torch.equal(load_mnist("test", download=True).x, test_set.x)
    assert (no_data / "cache" / "MNIST" / "raw" / PICTURES).is_file()
    assert torch.equal(load_mnist("test").x, test_set.x)  # found there from now on


def test_download_into_a_given_folder(tmp_path, mirror, test_set):
    assert torch.equal(load_mnist("test", root=tmp_path / "a", download=True).y, test_set.y)
    assert (tmp_path / "a" / "MNIST" / "raw" / LABELS).is_file()


def test_download_replaces_damaged_files(tmp_path, mirror, test_set):
    folder = copy_of_data(tmp_path / "a")
    (folder / f"{LABELS}.gz").write_bytes(b"damaged")
    assert torch.equal(load_mnist("test", root=folder, download=True).y, test_set.y)
    raw = tmp_path / "b" / "MNIST" / "raw"
    load_mnist("test", root=tmp_path / "b", download=True)
    (raw / LABELS).write_bytes(b"damaged")
    (raw / f"{LABELS}.gz").write_bytes(b"damaged")
    with pytest.raises(OSError, match="is damaged"):
        load_mnist("test", root=tmp_path / "b")
    assert torch.equal(load_mnist("test", root=tmp_path / "b", download=True).y, test_set.y)


def test_nothing_is_downloaded_that_is_there(monkeypatch):
    monkeypatch.setattr(images, "fetch", lambda *_: pytest.fail("downloaded"))
    load_mnist("test", download=True)


def test_failed_download_says_so(no_data, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", [f"{no_data.as_uri()}/empty/"])
    with pytest.raises(ConnectionError, match=r"could not be downloaded into .*cache"):
        load_mnist("test", download=True)


def test_wrong_download_is_not_taken(no_data, monkeypatch):
    """Were torchvision's source to hold something else, the checksum here would still tell."""
    fake = copy_of_data(no_data / "fake")
    (fake / f"{LABELS}.gz").write_bytes(gzip.compress(unpacked(LABELS)[:-1] + b"\x07"))
    assert unpacked(LABELS)[-1] != 7
    with served(fake, monkeypatch), pytest.raises(OSError, match="is damaged"):
        load_mnist("test", download=True)


def test_torchvision_is_imported_only_to_download():
    code = "import sys, gan_helpers.datasets.images as i; i.load_mnist('test'); print(*sys.modules)"
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, encoding="utf-8", check=True)
    assert "torchvision" not in done.stdout.split() and "torch" in done.stdout.split()


# --- bad input ---------------------------------------------------------------------------------

X, Y = torch.zeros(3, 1, 4, 4), torch.tensor([0, 1, 2])


def filled(value):
    x = X.clone()
    x[1, 0, 2, 3] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "error", "says"),
    [
        (X.numpy().astype("uint8"), Y, TypeError, r"x is numpy uint8;.*x / 127\.5 - 1"),
        (X.tolist(), Y, TypeError, "x is list; it has to be a torch.float32 tensor"),
        (X.double(), Y, TypeError, "x is torch.float64"),
        (X.byte(), Y, TypeError, "x is torch.uint8"),
        (X[:, 0], Y, ValueError, r"x has shape \[3, 4, 4\].*from_arrays\(x\)"),
        (X.expand(-1, 2, -1, -1), Y, ValueError, r"x has shape \[3, 2, 4, 4\].*from_arrays"),
        (X[:0], Y[:0], ValueError, r"x has shape \[0, 1, 4, 4\]"),
        (filled(float("nan")), Y, ValueError, "x ranges from nan"),
        (filled(255.0), Y, ValueError, "x ranges from 0 to 255"),
        (filled(-1.01), Y, ValueError, "x ranges from -1.01 to 0"),
        (filled(float("inf")), Y, ValueError, "x ranges from 0 to inf"),
        (X, Y.int(), TypeError, "y is torch.int32"),
        (X, Y.numpy() / 2, TypeError, "y is numpy float64"),
        (X, Y + 10**6, ValueError, "y holds 1000002"),
        (X, [0, 1, 2], TypeError, "y is list"),
        (X, Y[:2], ValueError, r"y has shape \[2\]; it has to be \[3\]"),
        (X, Y - 1, ValueError, "y holds -1"),
    ],
)
def test_bad_images_are_named(x, y, error, says):
    with pytest.raises(error, match=says):
        Images("bad", x, y)


# --- what is taken, and how it is understood -----------------------------------------------------


def test_arrays_become_tensors_of_their_own(test_set):
    x, y = test_set.x[:20].numpy().copy(), test_set.y[:20].numpy().astype("uint8")
    for kind in ("float32", "float64"):
        own = Images("own", x.astype(kind), y)
        assert torch.equal(own.x, test_set.x[:20]) and own.x.dtype == torch.float32
        assert torch.equal(own.y, test_set.y[:20]) and own.y.dtype == torch.int64
    own = Images("own", x, y)
    x[:] = 0  # what happens to the array later is none of the data set's business
    assert torch.equal(own.x, test_set.x[:20])


def test_pictures_without_classes(test_set):
    plain = Images("plain", test_set.x[:50])
    assert plain.sample(4, seeded()).shape == (4, 1, 28, 28) and plain.to("cpu").y is None
    few = plain.few(7)
    assert few.y is None and len({x.numpy().tobytes() for x in few.x}) == 7
    for ask in (
        lambda: plain.n_classes,
        lambda: plain.of_class(1),
        lambda: plain.sample_pairs(1, seeded()),
    ):
        with pytest.raises(ValueError, match="y is None: 'plain' has no classes"):
            ask()


def test_classes_without_a_picture_are_told_once(test_set):
    two = test_set.of_class(0, 7)
    with pytest.warns(UserWarning, match=r"8 of them, but no picture of \[1, 2, 3, 4, 5, 6\]"):
        assert two.n_classes == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert two.n_classes == 8  # said once
        assert test_set.n_classes == 10
        assert Images("two", two.x, two.y.unique(return_inverse=True)[1]).n_classes == 2


@pytest.mark.parametrize("n", [1, 20, 2000])
@pytest.mark.parametrize("data", ["digits", "clothes"])
def test_another_scale_is_refused_with_the_formula(n, data, test_set, clothes):
    x = (test_set if data == "digits" else clothes).x[:n]
    bytes_ = (x + 1) * 127.5
    for wrong, formula in ((bytes_, r"x / 127\.5 - 1"), (bytes_ / 255, r"2 \* x - 1")):
        with pytest.raises(ValueError, match=f"^x .*{formula}"):
            Images("wrong", wrong)
    torch.testing.assert_close(2 * (bytes_ / 255) - 1, x)  # the formulas are right
    torch.testing.assert_close(bytes_ / 127.5 - 1, x)
    assert len(Images("right", x)) == n


def test_inverted_digits_in_another_scale_are_warned_of(test_set):
    """Black on white, in [0, 1]: it might be in [-1, 1], if nothing is darker than grey."""
    with pytest.warns(UserWarning, match=r"x has no value below 0.*2 \* x - 1") as told:
        Images("inverted", (1 - test_set.x[:20]) / 2)
    assert told[0].filename == __file__  # the reader's own line
    with pytest.raises(ValueError, match=r"2 \* x - 1"):  # of a thousand it is sure
        Images("inverted", (1 - test_set.x[:1000]) / 2)


@pytest.mark.parametrize(
    "x",
    [
        X,  # grey
        X + 0.3,
        X - 1,  # black
        X + 1,  # white
        0.1 * torch.rand(3, 1, 4, 4, generator=seeded()),  # what an untrained G may make
        torch.rand(2000, 1, 4, 4, generator=seeded()) * 0.3 + 0.6,  # bright, without contrast
        torch.rand(2000, 1, 4, 4, generator=seeded()) * 2 - 1,
    ],
)
def test_right_pictures_are_taken_without_a_word(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Images("right", x)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: load_mnist("valid"), ValueError, "split = 'valid'.*train, test"),
        (lambda: load_mnist(size=20), ValueError, "size = 20.*16, 28, 32"),
        (lambda: load_mnist(size="16"), ValueError, "size = '16'"),
        (lambda: load_mnist(size=16.0), ValueError, "size = 16.0"),
        (lambda: load_mnist(root=7), TypeError, "root = 7"),
        (lambda: load_mnist(download=1), TypeError, "download = 1"),
        (lambda: load_fashion("t10k"), ValueError, "split = 't10k'.*train, test"),
        (lambda: load_fashion(size=20), ValueError, "size = 20.*16, 28, 32"),
        (lambda: load_fashion(size=True), ValueError, "size = True"),
        (lambda: Images("any", X, Y).of_class(), ValueError, r"digits is empty.*\[0, 1, 2\]"),
        (lambda: Images("any", X, Y).of_class(0, 7), ValueError, r"digits = 7.*\[0, 1, 2\]"),
        (lambda: Images("any", X, Y).of_class("1"), TypeError, "digits = '1'"),
        (lambda: Images("any", X, Y).sample(0, seeded()), ValueError, "n = 0"),
        (lambda: Images("any", X, Y).sample(1.5, seeded()), TypeError, "n = 1.5"),
        (lambda: Images("any", X, Y).sample(1, None), TypeError, "rng = None"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
