"""The reader's own pictures: from arrays, from folders, from uploads, and in a lab."""

import io
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from gan_helpers.augmentation.transforms import GREY, TRANSFORMS
from gan_helpers.conditional.training import Conditional, ConditionalGAN, train_step
from gan_helpers.datasets import own
from gan_helpers.datasets.images import Images
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.modes import AUGMENTED, CLASSES
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.view import Lab

SMALL = {"width": 8, "batch_size": 8, "latent_dim": 8}
BYTES = arrays(np.uint8, st.tuples(st.integers(1, 4), *[st.integers(4, 9)] * 2))
LAYOUTS = {
    "NHW": lambda x: x,
    "NHWC": lambda x: np.stack([x, x // 2, 255 - x], -1),
    "NCHW": lambda x: np.stack([x, x // 2, 255 - x], 1),
}
RANGES = {(0, 255): lambda x: x, (0, 1): lambda x: x / 255, (-1, 1): lambda x: x / 127.5 - 1}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def packed(pixels, kind="png", **more):
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, kind, **more)
    return file.getvalue()


def fill(folder, n=8, size=8, colour=False, seed=0):
    """A folder with n pictures, named by their numbers; returns their pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = noise(n, size, size, *[3] * colour, seed=seed)
    for k, picture in enumerate(pixels):
        (folder / f"{k:03d}.png").write_bytes(packed(picture))
    return pixels


def as_bytes(images):
    """What the pictures were before they were brought to [-1, 1]."""
    return (127.5 * (images.x + 1)).round().to(torch.uint8).numpy()


# --- from arrays ---------------------------------------------------------------------------------


@given(BYTES, st.sampled_from(sorted(LAYOUTS)), st.sampled_from(sorted(RANGES)), st.booleans())
def test_any_layout_and_range_comes_out_the_same(x, layout, value_range, as_tensor):
    pixels = LAYOUTS[layout](x)
    given_as = RANGES[value_range](pixels)
    told = {"value_range": value_range, "layout": layout}
    images = Images.from_arrays(torch.tensor(given_as) if as_tensor else given_as, **told)
    wanted = pixels[:, None] if layout == "NHW" else pixels
    wanted = np.moveaxis(wanted, -1, 1) if layout == "NHWC" else wanted
    assert (as_bytes(images) == wanted).all()
    assert images.x.min() >= -1 and images.x.max() <= 1


@given(BYTES, st.sampled_from(sorted(LAYOUTS)), st.sampled_from(sorted(RANGES)))
def test_what_is_found_is_what_was_meant(x, layout, value_range):
    """With black and white among the pixels only one range fits; these shapes fit one layout."""
    x[0, 0, :2] = 0, 255
    pixels = LAYOUTS[layout](x)
    found = Images.from_arrays(RANGES[value_range](pixels))
    told = Images.from_arrays(pixels, value_range=(0, 255), layout=layout)
    assert found.event_shape == told.event_shape
    torch.testing.assert_close(found.x, told.x)


@pytest.mark.parametrize("dtype", ["u1", "i8", "i4", "u2", ">i2", "f2", "f4", "f8", "g"])
def test_kinds_of_numbers(dtype):
    x = noise(3, 8, 8)
    assert (as_bytes(Images.from_arrays(x.astype(dtype)))[:, 0] == x).all()


@pytest.mark.parametrize("kind", ["uint8", "int16", "int64", "float16", "bfloat16", "float64"])
def test_kinds_of_tensors(kind):
    x = torch.tensor(noise(3, 8, 8) // 2 * 2)  # bfloat16 has eight digits
    found = Images.from_arrays(x.to(getattr(torch, kind)), value_range=(0, 255))
    assert (as_bytes(found)[:, 0] == x.numpy()).all() or kind == "bfloat16"
    assert (found.x[:, 0] - (x / 127.5 - 1)).abs().max() < (0.01 if kind == "bfloat16" else 1e-6)


def test_truth_values_are_black_and_white():
    x = noise(3, 8, 8) > 127
    assert torch.equal(Images.from_arrays(x).x[:, 0], 2.0 * torch.tensor(x) - 1)


def test_the_array_is_copied():
    for x in (noise(3, 8, 8), noise(3, 8, 8) / np.float32(127.5) - 1):
        images, before = Images.from_arrays(x), Images.from_arrays(x.copy()).x
        x[:] = 0
        assert torch.equal(images.x, before)


def test_the_middle_square_is_scaled():
    x = np.zeros((2, 20, 40), np.uint8)
    x[:, :, 10:30] = 255
    assert Images.from_arrays(x, size=8).x.min() > 0.999
    assert Images.from_arrays(noise(2, 30, 20, 3), size=16).event_shape == (3, 16, 16)
    assert (
        as_bytes(Images.from_arrays(noise(2, 8, 12), size=8))[:, 0] == noise(2, 8, 12)[..., 2:10]
    ).all()


@pytest.mark.parametrize(
    "y", [[2, 0, 1], np.array([2, 0, 1], np.uint8), torch.tensor([2, 0, 1]), ["c", "a", "b"]]
)
def test_classes_are_numbers_or_names(y):
    images = Images.from_arrays(noise(3, 8, 8), y)
    assert images.y.tolist() == [2, 0, 1] and images.n_classes == 3
    assert images.classes == (("a", "b", "c") if isinstance(y[0], str) else ())


def test_pictures_without_a_dark_pixel_are_believed():
    """Told by the range, so nothing has to be guessed; nor is it by what is made of them."""
    bright = Images.from_arrays(noise(20, 8, 8) // 2 + 128, np.arange(20) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (bright, bright.few(4), bright.of_class(1), bright.to("cpu")):
            assert made.x.min() >= 0


@pytest.mark.parametrize(
    ("x", "told", "error", "says"),
    [
        ([[1]], {}, TypeError, r"x is list;.*np\.stack"),
        (noise(3, 8, 8) * 1j, {}, TypeError, "x is numpy complex128"),
        (noise(4, 64), {}, ValueError, r"x has shape \[4, 64\].*x\.reshape\(-1, H, W\).*x\[None\]"),
        (noise(0, 8, 8), {}, ValueError, r"x has shape \[0, 8, 8\]"),
        (noise(20, 30, 3), {}, ValueError, r"\[20, 30, 3\].*a single picture.*layout='NHW'"),
        (noise(5, 3, 8, 3), {}, ValueError, r"NHWC or NCHW; say which: layout='NHWC'"),
        (noise(5, 8, 8, 4), {}, ValueError, r"1 or 3 channels.*x\[\.\.\., :3\]"),
        (noise(5, 8, 8), {"layout": "NCHW"}, ValueError, r"\[5, 8, 8\].*here NCHW"),
        (noise(5, 8, 8, 3), {"layout": "NCHW"}, ValueError, "1 or 3 channels"),
        (noise(5, 8, 8), {"layout": "HWC"}, ValueError, "layout = 'HWC' is unknown.*NHWC"),
        (noise(5, 8, 8) % 17, {}, None, None),  # bytes are from 0 to 255
        (noise(5, 8, 8) % 2, {}, ValueError, r"from 0 to 1,.*not clear.*value_range=.*\(0, 1\)"),
        (noise(5, 8, 8) % 17 / 1.0, {}, ValueError, "x is torch.float64, from 0 to 16, and"),
        (noise(5, 8, 8) / 1000, {}, ValueError, "not clear"),
        (noise(5, 8, 8) / 64 - 2, {}, ValueError, "not clear"),
        (noise(5, 8, 8) * 2.0, {}, ValueError, "not clear"),
        (np.full((5, 8, 8), np.nan), {}, ValueError, "x holds NaN"),
        (noise(5, 8, 8), {"value_range": (0, 1)}, ValueError, "value_range.*x goes from 0 to 255"),
        (noise(5, 8, 8), {"value_range": (255, 0)}, ValueError, "the second, larger one"),
        (noise(5, 8, 8), {"value_range": 255}, TypeError, r"two numbers, \(black, white\)"),
        (noise(5, 8, 8), {"size": 30}, ValueError, "size = 30 has to be a multiple of 4"),
        (noise(5, 8, 8), {"y": [0, 1]}, ValueError, r"y has shape \[2\]; it has to be \[5\]"),
        (noise(5, 8, 8), {"y": np.zeros(5)}, TypeError, "y is numpy float64"),
        (noise(5, 8, 8), {"y": [-1] * 5}, ValueError, "y holds -1"),
        (noise(5, 8, 8), {"y": [2] * 5, "classes": ("a",)}, ValueError, "1 names, and y holds 2"),
        (noise(5, 8, 8), {"classes": "ab"}, TypeError, "classes = 'ab' has to be a tuple"),
    ],
)
def test_what_is_refused_of_arrays(x, told, error, says):
    if error is None:
        assert len(Images.from_arrays(x, **told)) == 5
        return
    with pytest.raises(error, match=says):
        Images.from_arrays(x, **told)


def test_a_classifier_knows_no_colours():
    with pytest.raises(ValueError, match="dataset = 'digits' knows grey pictures alone"):
        Images("own", torch.zeros(3, 3, 16, 16) - 1, dataset="digits")


# --- from a folder -------------------------------------------------------------------------------


def test_pictures_of_the_right_size_come_as_they_are(tmp_path):
    pixels = fill(tmp_path / "mine")
    images = Images.from_folder(tmp_path / "mine", size=8)
    assert (as_bytes(images)[:, 0] == pixels).all()
    assert images.y is None and images.classes == () and images.name == "mine"
    colour = fill(tmp_path / "colour", colour=True)
    found = as_bytes(Images.from_folder(str(tmp_path / "colour"), size=8, name="x"))
    assert (found == colour.transpose(0, 3, 1, 2)).all()


def test_grey_or_colour(tmp_path):
    fill(tmp_path)
    assert Images.from_folder(tmp_path, 8).event_shape == (1, 8, 8)
    assert Images.from_folder(tmp_path, 8, channels=3).event_shape == (3, 8, 8)
    (tmp_path / "red.png").write_bytes(packed(Image.new("RGB", (8, 8), "red")))
    assert Images.from_folder(tmp_path, 8).event_shape == (3, 8, 8)
    grey = Images.from_folder(tmp_path, 8, channels=1)
    assert grey.event_shape == (1, 8, 8) and (as_bytes(grey)[-1] == round(0.299 * 255)).all()


def test_subfolders_are_classes_in_the_order_of_their_names(tmp_path):
    for k, name in enumerate(["zebra", "ant", "ねこ"]):
        fill(tmp_path / name, 4, seed=k)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "ant" / "deeper", 2)
    images = Images.from_folder(tmp_path, 8)
    assert images.classes == ("ant", "zebra", "ねこ") and images.n_classes == 3
    assert images.y.bincount().tolist() == [6, 4, 4]
    zebras = images.of_class(1)
    assert (as_bytes(zebras)[:, 0] == noise(4, 8, 8)).all() and zebras.classes == images.classes
    assert images.few(6).classes == images.classes
    without = Images.from_folder(tmp_path, 8, labels=False)
    assert without.y is None and len(without) == 14


def test_folders_around_all_pictures_are_no_class(tmp_path):
    fill(tmp_path / "a" / "b")
    assert Images.from_folder(tmp_path, 8).y is None
    fill(tmp_path / "a" / "c")
    assert Images.from_folder(tmp_path, 8).classes == ("b", "c")


def test_hidden_files_and_other_files_are_passed_over(tmp_path):
    fill(tmp_path)
    for name in (".hidden.png", ".ipynb_checkpoints/1.png", "__MACOSX/1.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    assert len(Images.from_folder(tmp_path, 8)) == 8


def test_kinds_of_files_and_of_pixels(tmp_path):
    """Each all of one grey, which no codec changes by more than a little."""
    made = {
        "a.PNG": packed(Image.new("L", (20, 20), 128)),
        "b.JPG": packed(Image.new("RGB", (20, 20), (128,) * 3), "jpeg"),
        "c.jpeg": packed(Image.new("L", (400, 300), 128), "jpeg"),
        "d.gif": packed(Image.new("P", (20, 20), 128).convert("L"), "gif"),
        "e.bmp": packed(Image.new("RGB", (20, 20), (128,) * 3), "bmp"),
        "f.webp": packed(Image.new("RGB", (20, 20), (128,) * 3), "webp"),
        "g.png": packed(Image.fromarray(np.full((20, 20), 128 * 257, np.uint16))),
        "h.png": packed(Image.new("RGBA", (20, 20), (1, 1, 1, 128))),  # over white: about half
        "i.png": packed(Image.new("LA", (20, 20), (128, 255))),
    }
    made["d.gif"] = packed(Image.new("L", (20, 20), 128), "gif")
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    images = Images.from_folder(tmp_path, 16)
    assert images.event_shape == (1, 16, 16) and len(images) == len(made)
    assert np.abs(as_bytes(images).astype(int) - 128).max() <= 3


def test_the_transparent_is_white(tmp_path):
    fill(tmp_path, 7)
    (tmp_path / "clear.png").write_bytes(packed(Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    assert (Images.from_folder(tmp_path, 8).x[-1] == 1).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_camera_says(tmp_path, orientation):
    """However it is stored, its white corner is to be at the upper left."""
    upright = np.zeros((16, 16), np.uint8)
    upright[:8, :8] = 255
    undo = {
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.T,
        6: lambda x: np.rot90(x),
        7: lambda x: x[::-1, ::-1].T,
        8: lambda x: np.rot90(x, -1),
    }.get(orientation, lambda x: x)
    exif = Image.Exif()
    exif[0x0112] = orientation
    fill(tmp_path, 7)
    stored = packed(np.ascontiguousarray(undo(upright)), "jpeg", exif=exif, quality=100)
    (tmp_path / "photo.jpg").write_bytes(stored)
    found = as_bytes(Images.from_folder(tmp_path, 16))[-1, 0].astype(int)
    assert np.abs(found - upright).max() < 30


def test_the_middle_of_a_large_photograph(tmp_path):
    """Three stripes; only the middle one lies in the middle square."""
    fill(tmp_path, 7)
    stripes = np.zeros((400, 1200), np.uint8)
    stripes[:, 400:800] = 255
    (tmp_path / "wide.jpg").write_bytes(packed(stripes, "jpeg", quality=95))
    assert (Images.from_folder(tmp_path, 8).x[-1] > 0.8).all()  # JPEG rings at its edges


def test_broken_files_are_named_and_left_out(tmp_path):
    fill(tmp_path / "a"), fill(tmp_path / "b")
    whole = (tmp_path / "a" / "000.png").read_bytes()
    (tmp_path / "a" / "000.png").write_bytes(whole[:60])
    (tmp_path / "b" / "001.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"2 of 16 pictures.*left out: a/000.png, b/001.png") as w:
        images = Images.from_folder(tmp_path, 8)
    assert len(images) == 14 and images.y.tolist() == [0] * 7 + [1] * 7
    assert w[0].filename == __file__


def test_a_class_of_broken_files_is_none(tmp_path):
    fill(tmp_path / "a"), fill(tmp_path / "c")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.png").write_bytes(b"broken")
    with pytest.warns(UserWarning, match="1 of 17 pictures"):
        assert Images.from_folder(tmp_path, 8).classes == ("a", "c")


def test_what_is_refused_of_folders(tmp_path):
    def refused(says, folder=tmp_path, error=ValueError, **told):
        with pytest.raises(error, match=says):
            Images.from_folder(folder, **{"size": 8, **told})

    refused("folder = 'nowhere': there is none of that name in .*", "nowhere", FileNotFoundError)
    refused("folder = 3 is a int; it has to be a path", 3, TypeError)
    refused(r"there is no picture, no file at all\. Pictures end in \.png, \.jpg")
    (tmp_path / "a.heic").write_bytes(b"")
    (tmp_path / "b.TIFF").write_bytes(b"")
    refused("there is no picture, only files with .heic, .tiff")
    refused("is a file; give the folder that it lies in", tmp_path / "a.heic", NotADirectoryError)
    fill(tmp_path, 7)
    refused("7 pictures can be read; a GAN needs 8 at least")
    fill(tmp_path, 8)
    refused("size = 30 has to be a multiple of 4", size=30)
    refused("channels = 2 is unknown; choose 1", channels=2)
    refused("labels = 1 is a int", error=TypeError, labels=1)
    fill(tmp_path / "sub"), fill(tmp_path / "by")
    refused(
        r"000.png, 001.png, 002.png and 5 more lie beside the sub-folders by, sub\..*labels=False"
    )
    assert len(Images.from_folder(tmp_path, 8, labels=False)) == 24
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"broken")
    refused("none of the 24 pictures can be read", labels=False)


def test_what_would_fill_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.setattr(own, "MOST_BYTES", 7 * 3 * 64 * 4)
    monkeypatch.setattr(own, "read_all", lambda *_: pytest.fail("read"))
    with pytest.raises(ValueError, match=r"8 pictures of 8 x 8 take .* room for 7 .*size=4"):
        Images.from_folder(tmp_path, 8)


# --- uploaded ------------------------------------------------------------------------------------


def zipped(files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


FILES = {f"{k}.png": packed(picture) for k, picture in enumerate(noise(8, 8, 8))}
UPLOADS = {
    "name -> bytes": FILES,
    "ipywidgets 7": {n: {"metadata": {"name": n}, "content": c} for n, c in FILES.items()},
    "ipywidgets 8": tuple({"name": n, "content": memoryview(c)} for n, c in FILES.items()),
    "a zip": {"all.ZIP": zipped(FILES)},
    "a zip of a folder": {"all.zip": zipped({f"all/{n}": c for n, c in FILES.items()})},
    "both": {
        "all.zip": zipped({n: FILES[n] for n in sorted(FILES)[:5]}),
        **{n: FILES[n] for n in sorted(FILES)[5:]},
    },
}


@pytest.mark.parametrize("way", UPLOADS)
def test_uploads(way):
    images = Images.from_files(UPLOADS[way], 8)
    assert (as_bytes(images)[:, 0] == noise(8, 8, 8)).all() and images.y is None


def test_a_zip_with_folders_has_classes(tmp_path):
    pets = {f"pets/{pet}/{n}": c for pet in ("dog", "cat") for n, c in FILES.items()}
    (tmp_path / "pets.zip").write_bytes(zipped({**pets, "__MACOSX/pets/dog/1.png": b""}))
    images = Images.from_folder(tmp_path / "pets.zip", 8)
    assert images.classes == ("cat", "dog") and len(images) == 16 and images.name == "pets"
    uploaded = Images.from_files({"pets.zip": zipped(pets)}, 8)
    assert torch.equal(uploaded.x, images.x) and torch.equal(uploaded.y, images.y)


def test_what_unpacks_to_too_much_is_left_out(monkeypatch):
    monkeypatch.setattr(own, "MOST_IN_ZIP", 10**5)
    bomb = {**FILES, "bomb.png": bytes(10**6)}
    with pytest.warns(UserWarning, match=r"bomb.png \(the first: unpacked it has 0.0 GB"):
        assert len(Images.from_files({"a.zip": zipped(bomb)}, 8)) == 8


@pytest.mark.parametrize(
    ("files", "error", "says"),
    [
        ({}, ValueError, "holds no file. Give what google.colab.files.upload"),
        ((), ValueError, "holds no file"),
        (b"whole", TypeError, "holds no file"),
        ({"a.png": "text"}, TypeError, "files holds 'a.png' -> str"),
        ([{"content": b""}], TypeError, "files holds None -> bytes"),
        ({"a.zip": b"no zip"}, ValueError, "files: a.zip cannot be unpacked: File is not a zip"),
        ({"a.txt": b""}, ValueError, "no picture, only files with .txt"),
    ],
)
def test_what_is_refused_of_uploads(files, error, says):
    with pytest.raises(error, match=says):
        Images.from_files(files)


# --- what learns from them -----------------------------------------------------------------------


@pytest.fixture
def pets(tmp_path):
    for k, name in enumerate(["cat", "dog"]):
        fill(tmp_path / "pets" / name, 20, 16, colour=True, seed=k)
    return Images.from_folder(tmp_path / "pets", 16)


def test_a_session_trains_on_a_folder(pets):
    session = Session(Experiment(network="conv", **SMALL), pets)
    session.run(5)
    header, shown = session.frame()
    assert session.at == 5 and not session.trouble and header["kind"] == "images"
    assert shown["grid"].shape == (64, 16, 16, 3)


def test_a_conditional_GAN_learns_the_subfolders(pets):
    experiment = Conditional(network="conv", condition="cgan", **SMALL)
    gan = ConditionalGAN.for_data(experiment, pets)
    losses = [train_step(gan, pets) for _ in range(5)]
    assert all(loss.isfinite() for pair in losses for loss in pair)
    session = ClassSession(experiment, pets)
    session.run(2)
    header, shown = session.frame()
    assert header["columns"] == list("00001111") and shown["grid"].shape == (64, 16, 16, 3)


def test_in_a_lab_classes_have_the_names_of_their_folders(pets):
    lab = Lab(pets, condition="cgan", **SMALL, driver="page")
    assert lab.mode is CLASSES
    assert [name for name, _ in lab.picker.digit.options] == ["all", "0 cat", "1 dog"]
    lab.run(3)
    assert lab.session.at == 3 and lab._repr_mimebundle_()["image/png"]
    lab.close()


def test_in_a_lab_few_pictures_can_be_augmented_with_colours(pets, tmp_path):
    lab = Lab(pets, **SMALL, driver="page", augment="both")
    assert lab.mode is AUGMENTED and lab.data.value == "own"
    assert {n for n, b in lab.transforms.items() if b.layout.display != "none"} == set(TRANSFORMS)
    lab.run(3)
    assert lab.session.at == 3 and not lab.session.trouble
    fill(tmp_path / "grey", 20, 16)
    lab.change(data=Images.from_folder(tmp_path / "grey", 16))
    assert {n for n, b in lab.transforms.items() if b.layout.display != "none"} == set(GREY)
    lab.close()


@settings(deadline=None, max_examples=5)
@given(st.sampled_from(["gan", "cgan"]), st.integers(0, 3))
def test_the_same_seed_gives_the_same_numbers(kind, seed):
    data = Images.from_arrays(noise(12, 8, 8, 3), np.arange(12) % 3)
    make = Session if kind == "gan" else ClassSession
    plain = {"network": "conv", **SMALL}
    experiment = Experiment(**plain) if kind == "gan" else Conditional(condition="cgan", **plain)
    one, other = (make(experiment, data, seed) for _ in range(2))
    assert [one.step() for _ in range(2)] == [other.step() for _ in range(2)]
