"""The public data sets, from a small server on this machine: no network is needed."""

import errno
import gzip
import hashlib
import io
import os
import re
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
import torch
from PIL import Image

from gan_helpers.datasets import public as public_data
from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.datasets.public import PUBLIC, PublicSet, load_public
from gan_helpers.files import locked

RED, BLUE = (255, 0, 0), (0, 0, 255)


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; knows Range unless `server.ranges` is False; may break off."""

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.requests.append((self.path, asked))
        content = server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(asked[6:-1]) if asked and server.ranges else 0  # bytes=START-
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            where = start + server.shift
            self.send_header("Content-Range", f"bytes {where}-{len(content) - 1}/{len(content)}")
        if server.length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : server.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests = {}, []
        server.ranges, server.cut, server.shift, server.length = True, None, 0, True
        server.base = f"http://127.0.0.1:{server.server_port}/sets"
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def jpeg(*colours, edge=16, mode="RGB"):
    """A JPEG of one square for each colour, from the left."""
    picture = Image.new("RGB", (edge * len(colours), edge))
    for i, colour in enumerate(colours):
        picture.paste(colour, (i * edge, 0, (i + 1) * edge, edge))
    file = io.BytesIO()
    picture.convert(mode).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def tar_of(files, *more):
    """A .tar.gz of files, and of members that are given as TarInfo."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return file.getvalue()


def zip_of(files, *more):
    """A .zip of files, and of members that are given as (ZipInfo, contents)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as box:
        for name, content in files.items():
            box.writestr(name, content)
        for info, content in more:
            box.writestr(info, content)
    return file.getvalue()


#: Photo left, red, darker from file to file; labels right, blue.
HOUSES = {
    f"houses/{split}/{i}.jpg": jpeg((250 - 40 * i, 0, 0), BLUE)
    for split, n in (("train", 3), ("val", 1))
    for i in range(n)
}
#: Three red ones and two blue ones to train on; colons as in the names of Yosemite.
BEASTS = {
    f"beasts/{split}{side}/2010-09-07 12:23:{i}.jpg": jpeg(colour, edge=12)
    for split, side, colour, n in (
        ("train", "A", RED, 3),
        ("train", "B", BLUE, 2),
        ("test", "A", RED, 1),
        ("test", "B", BLUE, 2),
    )
    for i in range(n)
}
#: Noise, so that the archive does not shrink: it is to be sent in pieces.
NOISE = {"houses/noise.bin": torch.randint(256, (5000,), dtype=torch.uint8).numpy().tobytes()}


@pytest.fixture
def offer(server, monkeypatch):
    """Puts a set into the table, and its archive on the server."""

    def offer(name, content, known=True, **changes):
        paired = name == "houses"
        public = PublicSet(
            name=name,
            url=f"http://127.0.0.1:9/{name}.{'tar.gz' if paired else 'zip'}",
            layout="paired" if paired else "unpaired",
            splits=("train", "val") if paired else ("train", "test"),
            size_bytes=len(content) if known else None,
            sha256=hashlib.sha256(content).hexdigest() if known else None,
        )
        monkeypatch.setitem(PUBLIC, name, replace(public, **changes))
        server.files[f"/sets/{public.archive}"] = content
        return content

    return offer


@pytest.fixture
def load(server, tmp_path):
    """`load_public` at the smallest size, from the server into a folder of the test."""
    return partial(load_public, size=16, root=tmp_path, base=server.base, bar=False)


def colour_of(x):
    """The mean of each channel, [3], over all pictures."""
    return x.mean((0, 2, 3))


def near(x, colour):
    return torch.allclose(colour_of(x), torch.tensor(colour) / 127.5 - 1, atol=0.05)


# --- the table and the pictures ----------------------------------------------------------------


def test_the_table_is_consistent():
    assert list(PUBLIC) == ["facades", "maps", "horse2zebra", "summer2winter_yosemite"]
    for name, public in PUBLIC.items():
        end = {"paired": "tar.gz", "unpaired": "zip"}[public.layout]
        assert public.name == name and public.archive == f"{name}.{end}"
        assert public.url.startswith("http://efrosgans.eecs.berkeley.edu/")
        assert public.splits[0] == "train" and not public.a_on_left
        assert public.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", public.sha256)
    assert PUBLIC["maps"].folders("val") == ("val",)
    assert PUBLIC["horse2zebra"].folders("test") == ("testA", "testB")


@pytest.mark.parametrize("size", [16, 24])
def test_pairs_are_halves_of_one_file(offer, load, size):
    offer("houses", tar_of(HOUSES))
    data = load("houses", size=size)
    assert isinstance(data, Pairs) and data.name == f"houses train {size}x{size}"
    assert data.a.shape == data.b.shape == (3, 3, size, size) and data.a.dtype == torch.float32
    assert near(data.a, BLUE)  # the labels
    for i in range(3):  # the photos, in the order of their names
        assert near(data.b[i : i + 1], (250 - 40 * i, 0, 0))
    assert len(load("houses", "val", size=size)) == 1


def test_the_halves_do_not_mix_at_their_seam(offer, load):
    offer("houses", tar_of({name: jpeg(RED, BLUE, edge=64) for name in HOUSES}))
    data = load("houses")
    assert (data.b[..., -1] - data.b[..., 0]).abs().max() < 0.1
    assert (data.a[..., -1] - data.a[..., 0]).abs().max() < 0.1


def test_a_may_be_on_the_left(offer, load):
    offer("houses", tar_of(HOUSES), a_on_left=True)
    assert near(load("houses").b, BLUE)


def test_unpaired_pictures_come_from_two_folders(offer, load):
    offer("beasts", zip_of(BEASTS))
    data = load("beasts")
    assert isinstance(data, Unpaired) and data.name == "beasts train 16x16"
    assert data.a.shape == (3, 3, 16, 16) and data.b.shape == (2, 3, 16, 16)  # from 12 x 12
    assert near(data.a, RED) and near(data.b, BLUE)
    test = load("beasts", "test")
    assert len(test.a) == 1 and len(test.b) == 2


def test_limit_takes_the_first(offer, load):
    offer("houses", tar_of(HOUSES))
    offer("beasts", zip_of(BEASTS))
    assert torch.equal(load("houses", limit=2).b, load("houses").b[:2])
    few = load("beasts", limit=2)
    assert len(few.a) == len(few.b) == 2
    assert len(load("houses", limit=100)) == 3


def test_grey_files_become_colour_and_stray_files_are_left_out(offer, load):
    files = HOUSES | {"houses/train/0.jpg": jpeg((90, 90, 90), (200, 200, 200), mode="L")}
    stray = {"houses/train/.0.jpg": b"macOS", "houses/train/list.txt": b"0.jpg", "list.txt": b""}
    offer("houses", tar_of(files | stray))
    data = load("houses")
    assert len(data) == 3 and near(data.a[:1], (200, 200, 200)) and near(data.b[:1], (90, 90, 90))


def test_the_cache_is_the_default(offer, server, tmp_path, monkeypatch):
    offer("houses", tar_of(HOUSES))
    monkeypatch.setattr(public_data, "CACHE", tmp_path / "cache")
    load_public("houses", "val", 16, base=server.base, bar=False)
    assert (tmp_path / "cache" / "houses" / "val" / "0.jpg").is_file()


# --- downloading -------------------------------------------------------------------------------


def test_the_second_time_nothing_is_asked(offer, load, server, tmp_path):
    offer("houses", tar_of(HOUSES))
    first = load("houses")
    assert server.requests == [("/sets/houses.tar.gz", None)]
    (tmp_path / "houses.tar.gz").unlink()
    assert torch.equal(load("houses", download=False).b, first.b)
    assert len(server.requests) == 1


def test_an_archive_in_place_is_used(offer, load, server, tmp_path):
    (tmp_path / "houses.tar.gz").write_bytes(offer("houses", tar_of(HOUSES)))
    assert len(load("houses", download=False)) == 3 and not server.requests


@pytest.mark.parametrize("known", [True, False])
def test_a_broken_download_goes_on(offer, load, server, tmp_path, known):
    content = offer("houses", tar_of(HOUSES | NOISE), known)
    server.cut = 4000
    with pytest.raises(OSError, match=f"broke off after 4,000 of {len(content):,} bytes") as error:
        load("houses")
    part = tmp_path / "houses.tar.gz.part"
    assert str(part) in str(error.value) and "again" in str(error.value)
    assert not isinstance(error.value, ConnectionError)
    assert part.read_bytes() == content[:4000] and not (tmp_path / "houses").exists()
    server.cut = None
    assert len(load("houses")) == 3
    assert [asked for _, asked in server.requests] == [None, "bytes=4000-"]
    assert (tmp_path / "houses.tar.gz").read_bytes() == content and not part.exists()


def test_a_server_without_ranges_starts_again(offer, load, server, tmp_path):
    content = offer("houses", tar_of(HOUSES | NOISE))
    (tmp_path / "houses.tar.gz.part").write_bytes(b"x" * 1000)
    server.ranges = False
    assert len(load("houses")) == 3 and server.requests[0][1] == "bytes=1000-"
    assert (tmp_path / "houses.tar.gz").read_bytes() == content


def test_another_range_than_asked_is_not_taken(offer, load, server, tmp_path):
    content = offer("houses", tar_of(HOUSES | NOISE))
    part = tmp_path / "houses.tar.gz.part"
    part.write_bytes(content[:1000])
    server.shift = 7
    with pytest.raises(OSError, match="another range"):
        load("houses")
    assert not part.exists() and len(load("houses")) == 3


def test_a_server_that_does_not_tell_the_length(offer, load, server):
    offer("houses", tar_of(HOUSES), known=False)
    server.length = False
    assert len(load("houses")) == 3


@pytest.mark.parametrize("known", [True, False])
def test_a_complete_part_needs_no_more(offer, load, server, tmp_path, known):
    """Interrupted between the last byte and the new name; a server answers 416."""
    (tmp_path / "houses.tar.gz.part").write_bytes(offer("houses", tar_of(HOUSES), known))
    assert len(load("houses")) == 3
    assert len(server.requests) == (0 if known else 1)


def test_a_part_that_is_too_long_is_removed(offer, load, tmp_path):
    content = offer("houses", tar_of(HOUSES))
    (tmp_path / "houses.tar.gz.part").write_bytes(content + b"more")
    with pytest.raises(OSError, match=f"has {len(content) + 4:,} bytes, expected {len(content):,}"):
        load("houses")
    assert len(load("houses")) == 3


def test_an_interrupted_download_goes_on(offer, load, server, tmp_path, monkeypatch):
    class Impatient(public_data.tqdm):
        def update(self, n=1):
            raise KeyboardInterrupt

    offer("houses", tar_of(HOUSES | NOISE))
    with monkeypatch.context() as patch:
        patch.setattr(public_data, "CHUNK", 1000)
        patch.setattr(public_data, "tqdm", Impatient)
        with pytest.raises(KeyboardInterrupt):
            load("houses")
    assert (tmp_path / "houses.tar.gz.part").stat().st_size == 1000
    assert len(load("houses")) == 3 and server.requests[1][1] == "bytes=1000-"


def test_another_file_is_not_downloaded(offer, load, server, tmp_path):
    """What a hotel's network answers, say."""
    offer("houses", tar_of(HOUSES))
    server.files["/sets/houses.tar.gz"] = b"Please log in."
    with pytest.raises(OSError, match="is another file: 14 bytes"):
        load("houses")
    assert not list(tmp_path.iterdir())


def test_offline_says_what_to_do(offer, load, server, tmp_path):
    offer("houses", tar_of(HOUSES))
    port = server.server_port
    for base, says in (("http://127.0.0.1:1", "refused"), (f"http://127.0.0.1:{port}", "404")):
        with pytest.raises(ConnectionError, match=f"{says}.*need no download") as error:
            load("houses", base=base)
        for part in (f"from {base}/houses.tar.gz", f"put it at {tmp_path / 'houses.tar.gz'}"):
            assert part in str(error.value)


def test_without_download_nothing_is_asked(offer, load, server, tmp_path):
    offer("houses", tar_of(HOUSES))
    with pytest.raises(FileNotFoundError, match=r"houses is missing.*download=True") as error:
        load("houses", download=False)
    assert str(tmp_path / "houses.tar.gz") in str(error.value) and not server.requests


# --- damage ------------------------------------------------------------------------------------


def flipped(content, where=-200):
    content = bytearray(content)
    content[where] ^= 1
    return bytes(content)


def test_a_wrong_checksum_removes_the_archive(offer, load, server, tmp_path):
    content = offer("houses", tar_of(HOUSES | NOISE))
    wrong = server.files["/sets/houses.tar.gz"] = flipped(content)
    with pytest.raises(OSError, match=r"is damaged.*removed; call again") as error:
        load("houses")
    for digest in (hashlib.sha256(content).hexdigest(), hashlib.sha256(wrong).hexdigest()):
        assert digest in str(error.value)
    assert not list(tmp_path.iterdir())
    server.files["/sets/houses.tar.gz"] = content
    assert len(load("houses")) == 3


def test_a_truncated_archive_in_place_is_removed(offer, load, tmp_path):
    content = offer("beasts", zip_of(BEASTS))
    (tmp_path / "beasts.zip").write_bytes(content[:500])
    with pytest.raises(OSError, match=f"has 500 bytes, expected {len(content):,}.*call again"):
        load("beasts")
    assert len(load("beasts").a) == 3


def test_the_first_checksum_is_remembered(offer, load, tmp_path):
    """Trust on first use, where no public source tells the checksum."""
    content = offer("houses", tar_of(HOUSES | NOISE), sha256=None)
    load("houses")
    note, archive = tmp_path / "houses.tar.gz.sha256", tmp_path / "houses.tar.gz"
    assert note.read_text(encoding="ascii").strip() == hashlib.sha256(content).hexdigest()
    (tmp_path / "houses").rename(tmp_path / "elsewhere")
    archive.write_bytes(flipped(content))
    with pytest.raises(OSError, match=r"SHA-256.*expected") as error:
        load("houses")
    assert str(note) in str(error.value) and not archive.exists()
    assert len(load("houses")) == 3
    note.unlink()
    archive.write_bytes(tar_of(HOUSES))
    assert len(load("houses")) == 3 and not note.exists()  # unpacked already: not looked at


@pytest.mark.parametrize("text", [b"", b"0123", b"\xff" * 64, b"z" * 64])
def test_a_damaged_note_is_named_and_the_archive_stays(offer, load, tmp_path, text):
    content = offer("houses", tar_of(HOUSES | NOISE), sha256=None)
    (tmp_path / "houses.tar.gz").write_bytes(content)
    note = tmp_path / "houses.tar.gz.sha256"
    note.write_bytes(text)
    with pytest.raises(OSError, match=re.escape(f"{note} is damaged: it holds no SHA-256. Delete")):
        load("houses")
    assert (tmp_path / "houses.tar.gz").read_bytes() == content
    note.unlink()
    assert len(load("houses")) == 3


def test_a_known_checksum_needs_no_note(offer, load, tmp_path):
    offer("beasts", zip_of(BEASTS))
    load("beasts")
    assert {path.name for path in tmp_path.iterdir()} == {"beasts", "beasts.zip"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("houses", b"<html>not found</html>"),
        ("houses", gzip.compress(b"no tar" * 1000)),
        ("houses", tar_of(HOUSES | NOISE)[:3000]),
        ("houses", flipped(tar_of(HOUSES | NOISE), -6)),  # only the checksum of gzip
        ("houses", flipped(tar_of(HOUSES | NOISE), 2000)),
        ("beasts", b"<html>not found</html>"),
        ("beasts", zip_of(BEASTS)[:-30]),
        ("beasts", flipped(zip_of(BEASTS), 300)),
    ],
    # Names of their own: gzip writes the time, and all test workers have to agree on names.
    ids=["no tar", "not a tar", "cut", "checksum", "flipped", "no zip", "cut zip", "flipped zip"],
)
def test_damage_is_noticed_without_a_checksum(offer, load, tmp_path, name, content):
    offer(name, content, known=False)
    with pytest.raises(OSError, match=r"is damaged: .*removed; call again"):
        load(name)
    assert not list(tmp_path.iterdir())


def test_missing_folders_are_named(offer, load, tmp_path):
    offer("houses", tar_of({name: x for name, x in HOUSES.items() if "val" not in name}))
    offer("beasts", zip_of({name: x for name, x in BEASTS.items() if "testB" not in name}))
    for name, folder in (("houses", "val"), ("beasts", "testB")):
        with pytest.raises(OSError, match=rf"{folder} holds no JPEG.*{name}\..* lacks") as error:
            load(name)
        assert "delete it" in str(error.value) and not (tmp_path / name).exists()


def test_pictures_that_are_gone_or_broken_are_named(offer, load, tmp_path):
    offer("houses", tar_of(HOUSES))
    load("houses")
    advice = re.escape(f"Delete {tmp_path / 'houses'} and call again")
    broken = tmp_path / "houses" / "train" / "1.jpg"
    for content in (b"", b"no picture", broken.read_bytes()[:300]):
        broken.write_bytes(content)
        with pytest.raises(OSError, match=re.escape(str(broken)) + ".*" + advice):
            load("houses")
    (tmp_path / "houses" / "val" / "0.jpg").unlink()
    with pytest.raises(OSError, match=f"val holds no JPEG. {advice}"):
        load("houses", "val")


def test_a_half_unpacked_set_is_not_used(offer, load, server, tmp_path, monkeypatch):
    offer("beasts", zip_of(BEASTS))
    done = []

    def impatient(source, copy):
        done.append(copy.write(source.read()))
        if len(done) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(public_data.shutil, "copyfileobj", impatient)
        with pytest.raises(KeyboardInterrupt):
            load("beasts")
    assert [path.name for path in tmp_path.iterdir()] == ["beasts.zip"]
    (tmp_path / ".beasts-killed" / "trainA").mkdir(parents=True)  # as a power cut leaves
    for name in (".beasts.lock", ".beasts-note"):
        (tmp_path / name).touch()
    assert len(load("beasts").a) == 3 and len(server.requests) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"beasts", "beasts.zip"}


def test_it_is_unpacked_for_all_who_may_read_the_folder(offer, load, tmp_path):
    offer("houses", tar_of(HOUSES))
    load("houses")
    modes = [(tmp_path / path).stat().st_mode for path in ("houses", "houses/train")]
    (tmp_path / "own").mkdir()
    assert set(modes) == {(tmp_path / "own").stat().st_mode}


def test_what_lies_beside_the_pictures_is_left_out(offer, load, tmp_path):
    others = {"README": b"x", "./houses/train/9.jpg": jpeg(RED, BLUE), "else/train/1.jpg": b"x"}
    offer("houses", tar_of(HOUSES | others))
    assert len(load("houses")) == 4
    assert {path.name for path in (tmp_path / "houses").iterdir()} == {"train", "val"}


# --- several at once ---------------------------------------------------------------------------


def test_several_kernels_load_the_same_set(offer, load, server, tmp_path, capsys):
    """One downloads and unpacks, the others wait and read."""
    offer("beasts", zip_of(BEASTS))
    loaded = []
    threads = [Thread(target=lambda: loaded.append(load("beasts", bar=True))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 5 and all(torch.equal(loaded[0].a, one.a) for one in loaded)
    assert len(server.requests) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"beasts", "beasts.zip"}


def test_who_waits_says_so(offer, load, tmp_path, monkeypatch):
    offer("beasts", zip_of(BEASTS))
    entered, go_on = Event(), Event()

    def hold():
        with locked(tmp_path / ".beasts.lock"):
            entered.set()
            go_on.wait()

    holder, waiting = Thread(target=hold), Thread(target=lambda: load("beasts", bar=True))
    holder.start()
    entered.wait()
    printed = io.StringIO()  # taking words out of pytest's own now and then would lose some
    monkeypatch.setattr(sys, "stdout", printed)
    waiting.start()
    try:
        while not printed.getvalue().endswith("\n") and waiting.is_alive():
            time.sleep(0.01)
        said = printed.getvalue()
    finally:
        go_on.set()
        holder.join()
        waiting.join()
    assert said.startswith("beasts is being downloaded or unpacked by another program; waiting.")
    assert (tmp_path / "beasts" / "trainA").is_dir()


def test_without_locks_the_first_one_counts(offer, load, tmp_path, monkeypatch):
    """On a file system that has none, both unpack; the second finds the name taken."""
    offer("beasts", zip_of(BEASTS))
    load("beasts")
    (tmp_path / ".beasts-2").mkdir()
    (tmp_path / ".beasts-2" / "x").touch()
    public_data.rename_unless_there(tmp_path / ".beasts-2", tmp_path / "beasts")
    assert not (tmp_path / ".beasts-2").exists() and len(load("beasts").a) == 3
    with pytest.raises(FileNotFoundError):
        public_data.rename_unless_there(tmp_path / ".beasts-2", tmp_path / "other")


# --- folders that cannot be used ---------------------------------------------------------------


@pytest.mark.parametrize("there", ["houses", "", "..", "houses.tar.gz", "houses.tar.gz.part"])
def test_what_is_in_the_way_is_named_before_the_download(offer, load, server, tmp_path, there):
    offer("houses", tar_of(HOUSES))
    root = tmp_path / "deep" / "root"
    path = root.parent if there == ".." else root / there
    if ".tar" in there:
        path.mkdir(parents=True)
        says = f"{path} is a folder, where a file is needed. Move or delete it, or pass another"
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        says = f"{path} is a file, where {root / 'houses'} needs a folder. Move or delete it, or"
    with pytest.raises(OSError, match=re.escape(says)):
        load("houses", root=root)
    assert not server.requests


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EACCES, "Pass a folder that you may write to as root"),
        (errno.EROFS, "Pass a folder that you may write to as root"),
        (errno.ENOSPC, "Make room, or pass a folder on another disk"),
        (errno.EIO, "Call again, or pass another folder"),
    ],
)
def test_a_folder_that_cannot_be_made_is_named(offer, load, tmp_path, monkeypatch, number, says):
    def refuse(self, *args, **kwargs):
        raise OSError(number, os.strerror(number), str(self))

    offer("houses", tar_of(HOUSES))
    root = tmp_path / "home"
    monkeypatch.setattr(public_data.Path, "mkdir", refuse)
    expected = f"houses could not use {root}: {os.strerror(number)}. {says}"
    with pytest.raises(OSError, match=re.escape(expected)) as error:
        load("houses", root=root)
    assert isinstance(error.value, PermissionError) == (number == errno.EACCES)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may write anywhere")
def test_a_home_that_cannot_be_written_is_named(offer, load, tmp_path):
    offer("houses", tar_of(HOUSES))
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"houses could not use .*: Permission denied"):
        load("houses", root=tmp_path / "home")
    with pytest.raises(PermissionError, match=r"houses could not use .*: Permission denied"):
        load("houses")
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_is_named(offer, load, tmp_path):
    offer("houses", tar_of(HOUSES | NOISE))
    (tmp_path / "houses.tar.gz.part").symlink_to("/dev/full")
    with pytest.raises(
        OSError, match=r"No space left on device\. Make room, or.*goes on from there"
    ):
        load("houses")


def test_the_home_of_nobody_is_named(offer):
    offer("houses", tar_of(HOUSES))
    with pytest.raises(ValueError, match="root = '~who-is-this/x' is no folder: "):
        load_public("houses", root="~who-is-this/x")


# --- pictures that are something else ----------------------------------------------------------


def other_format(format):
    file = io.BytesIO()
    Image.new("RGB", (32, 16)).save(file, format)
    return file.getvalue()


@pytest.mark.parametrize("format", ["EPS", "PNG", "GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused_whatever_their_name(offer, load, monkeypatch, format):
    def start(*args, **kwargs):
        pytest.fail("a program was started")

    monkeypatch.setattr(subprocess, "Popen", start)  # Ghostscript, for EPS
    offer("houses", tar_of(HOUSES | {"houses/train/1.jpg": other_format(format)}))
    with pytest.raises(OSError, match=r"1\.jpg cannot be read as a picture: .*Delete .*call again"):
        load("houses")
    assert len(load("houses", "val")) == 1


def claiming(width, height):
    """A JPEG whose header says that it is larger than it is."""
    content = bytearray(jpeg(RED, BLUE))
    where = content.index(b"\xff\xc0") + 5  # of the frame: height, width
    content[where : where + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(content)


@pytest.mark.parametrize("edge", [4097, 12_000, 30_000, 65_000])
@pytest.mark.filterwarnings("error")
def test_pictures_that_swell_are_refused(offer, load, edge):
    """Pillow itself only warns from 9,460 on, and refuses from 13,380 on."""
    offer("houses", tar_of(HOUSES | {"houses/train/1.jpg": claiming(edge, edge)}))
    with pytest.raises(OSError, match=r"1\.jpg cannot be read as a picture: .*pixels"):
        load("houses")


def test_the_largest_picture_says_how_large_it_is(offer, load, tmp_path, monkeypatch):
    monkeypatch.setattr(public_data, "MAX_PIXELS", 32 * 16)
    offer("houses", tar_of(HOUSES))
    assert len(load("houses")) == 3
    monkeypatch.setattr(public_data, "MAX_PIXELS", 32 * 16 - 1)
    says = re.escape(
        f"{tmp_path / 'houses' / 'train' / '0.jpg'} cannot be read as a picture: it has 32 x 16 "
        f"pixels, more than 511. Delete {tmp_path / 'houses'} and call again."
    )
    with pytest.raises(OSError, match=says):
        load("houses")


# --- archives that mean harm -------------------------------------------------------------------


def tar_member(name, kind=tarfile.REGTYPE, link="", size=0):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def zip_member(name, mode=stat.S_IFREG, content=b"x"):
    info = zipfile.ZipInfo("x")
    info.filename, info.external_attr = name, (mode | 0o644) << 16
    return info, content


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (tar_member("../evil.jpg"), "leads out"),
        (tar_member("houses/train/../../../evil.jpg"), "leads out"),
        (tar_member("houses\\..\\..\\evil.jpg"), "leads out"),
        (tar_member("/tmp/evil.jpg"), "absolute"),
        (tar_member("C:/evil.jpg"), "absolute"),
        (tar_member("\\\\host\\evil.jpg"), "absolute"),
        (tar_member("houses\\evil.jpg"), "character"),
        (tar_member("houses/link", tarfile.SYMTYPE, "/etc"), "symbolic link"),
        (tar_member("houses/link", tarfile.LNKTYPE, "houses/train/0.jpg"), "hard link"),
        (tar_member("houses/pipe", tarfile.FIFOTYPE), "special file"),
        (tar_member("houses/device", tarfile.CHRTYPE), "special file"),
        (zip_member("../evil.jpg"), "leads out"),
        (zip_member("/tmp/evil.jpg"), "absolute"),
        (zip_member("D:\\evil.jpg"), "absolute"),
        (zip_member("beasts/link", stat.S_IFLNK, b"/etc"), "symbolic link"),
        (zip_member("beasts/pipe", stat.S_IFIFO, b""), "special file"),
    ],
)
def test_unsafe_members_are_named_and_nothing_is_unpacked(offer, load, tmp_path, member, why):
    root = tmp_path / "deep" / "root"
    if isinstance(member, tarfile.TarInfo):
        name, bad = "houses", member.name
        offer(name, tar_of(HOUSES, member))
    else:
        name, bad = "beasts", member[0].filename
        offer(name, zip_of(BEASTS, member))
    with pytest.raises(OSError, match=f"was not unpacked: its member .* {why}") as error:
        load(name, root=root)
    assert repr(bad) in str(error.value)
    assert [path.name for path in root.iterdir()] == [PUBLIC[name].archive]
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [("MAX_BYTES", 1500, "over 1,500 bytes"), ("MAX_MEMBERS", 3, "than 3 members")],
)
def test_bombs_are_not_unpacked(offer, load, tmp_path, monkeypatch, limit, value, says):
    offer("houses", tar_of(HOUSES, tar_member("houses/zeros", size=10**6)))
    offer("beasts", zip_of(BEASTS, zip_member("beasts/zeros", content=bytes(10**6))))
    monkeypatch.setattr(public_data, limit, value)
    for name in ("houses", "beasts"):
        with pytest.raises(OSError, match=f"was not unpacked: .*{says}"):
            load(name)
        assert not (tmp_path / name).exists()


def test_a_negative_size_makes_no_room():
    assert public_data.unsafe("houses/0.jpg", "file", -1) == "has a negative size"
    assert not public_data.unsafe("houses/train/2010-09-07 12:23:20.jpg", "file", 0)


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: load_public("cats"), ValueError, "name = 'cats'.*facades, maps, horse2zebra"),
        (lambda: load_public(7), ValueError, "name = 7"),
        (lambda: load_public("maps", "test"), ValueError, "split = 'test'.*train, val"),
        (lambda: load_public("horse2zebra", "val"), ValueError, "split = 'val'.*train, test"),
        (lambda: load_public("maps", size=8), ValueError, r"size = 8 .*\[16, 1024\]"),
        (lambda: load_public("maps", size=256.0), TypeError, "size = 256.0"),
        (lambda: load_public("maps", limit=0), ValueError, "limit = 0"),
        (lambda: load_public("maps", root=7), TypeError, "root = 7"),
        (lambda: load_public("maps", download=1), TypeError, "download = 1"),
        (lambda: load_public("maps", bar=None), TypeError, "bar = None"),
        (lambda: load_public("maps", base="file:///etc"), ValueError, "base = 'file.*http://"),
        (lambda: load_public("maps", base=7), ValueError, "base = 7"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
