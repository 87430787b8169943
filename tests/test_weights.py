"""Weights in files: those that come with the notebooks, and a reader's own."""

import hashlib
import json
import re
import shutil
import subprocess

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gan_helpers.classifier import DigitClassifier, load_classifier
from gan_helpers.conditional.pretrained import load_pretrained
from gan_helpers.datasets import files as embedded
from gan_helpers.datasets.files import EMBEDDED, find_embedded
from gan_helpers.translation.pretrained import load_translator
from gan_helpers.weights import SHA256, header_of, read_weights, write_weights

DATA = EMBEDDED[1]
ABOUT = {"steps": 3, "seed": 200}


def nets(seed=0):
    torch.manual_seed(seed)
    return {"G": nn.Linear(3, 4), "D": nn.Linear(4, 1)}


def same(a, b):
    return all(
        torch.equal(p, q)
        for name in a
        for p, q in zip(a[name].parameters(), b[name].parameters(), strict=True)
    )


@pytest.fixture
def own(tmp_path):
    """A file that a reader has written, and its networks."""
    made = nets()
    return write_weights(tmp_path / "own.safetensors", made, ABOUT), made


def flipped(path, where):
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


# --- those that come with the notebooks --------------------------------------------------------


def test_the_table_is_that_of_the_readme_and_of_the_files():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^\| `(\S+\.safetensors)` .*`([0-9a-f]{64})` \|$", readme)
    assert dict(listed) == SHA256 and len(listed) == 16
    assert {path.name for path in DATA.glob("*.safetensors")} == set(SHA256)
    for name, expected in SHA256.items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_the_readme_checks_them():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"(?m)^sed .*sha256sum --check$", readme)
    done = subprocess.run(
        ["bash", "-c", command], cwd=DATA, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0 and done.stdout.count(": OK") == 16, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("digits_classifier_16", lambda: load_classifier(16)),
        ("fashion_classifier_28", lambda: load_classifier(28, dataset="fashion")),
        ("acgan_28", lambda: load_pretrained("acgan")),
        ("maps_translator", lambda: load_translator("maps")),
    ],
)
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_damage_is_named_with_the_way_back(name, load, damage, tmp_path, monkeypatch):
    """A flipped bit among the numbers would load, and only the pictures would tell."""
    path = tmp_path / f"{name}.safetensors"
    shutil.copy(DATA / path.name, path)
    monkeypatch.setattr(embedded, "EMBEDDED", (tmp_path,))
    load()
    if damage == "flipped":
        flipped(path, -1000)
    else:
        path.write_bytes(path.read_bytes()[: -1000 if damage == "cut" else 0])
    with pytest.raises(OSError, match=f"{path} is damaged: its SHA-256 is .* expected") as error:
        load()
    for part in (SHA256[path.name], f"`git checkout -- data/{path.name}`", "root=... loads one of"):
        assert part in str(error.value)


def test_weights_trained_anew_may_take_their_place(tmp_path, monkeypatch):
    """As data/train_*.py do; on another machine their bytes are others."""
    monkeypatch.setattr(embedded, "EMBEDDED", (tmp_path,))
    again = DigitClassifier(16)
    path = write_weights(tmp_path / "digits_classifier_16.safetensors", {"": again}, ABOUT)
    assert torch.equal(load_classifier(16).out.weight, again.out.weight)
    flipped(path, -1)
    with pytest.raises(OSError, match=r"is damaged: its SHA-256 .*as it says itself.*git checkout"):
        load_classifier(16)


# --- a reader's own ----------------------------------------------------------------------------


def test_what_is_written_is_read(own, tmp_path):
    path, made = own
    read = nets(1)
    assert read_weights(path.name, read, tmp_path) == ABOUT and same(made, read)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    again = write_weights(tmp_path / "b", made, ABOUT)
    assert again.read_bytes() == path.read_bytes()


def test_any_safetensors_reads_it(own):
    path, made = own
    assert torch.equal(load_file(path)["G.weight"], made["G"].weight)


@pytest.mark.parametrize("where", [0, 5, 40, 200, -1, -30])
def test_every_bit_of_it_counts(own, tmp_path, where):
    path, _ = own
    flipped(path, where)
    with pytest.raises(OSError, match=f"{path} is damaged: ") as error:
        read_weights(path.name, nets(), tmp_path)
    assert f"git checkout -- data/{path.name}" in str(error.value)


def test_cut_anywhere_it_is_named(own, tmp_path):
    path, _ = own
    content = path.read_bytes()
    for n in range(0, len(content), 7):
        path.write_bytes(content[:n])
        with pytest.raises(OSError, match="is damaged: "):
            read_weights(path.name, nets(), tmp_path)


def test_what_was_saved_without_a_checksum_still_loads(tmp_path):
    """By an earlier version, or by the library itself."""
    made, read = nets(), nets(1)
    weights = {f"{n}.{k}": v for n, net in made.items() for k, v in net.state_dict().items()}
    save_file(weights, tmp_path / "old.safetensors", {"training": json.dumps(ABOUT)})
    assert read_weights("old.safetensors", read, tmp_path) == ABOUT and same(made, read)
    classifier = DigitClassifier(16)
    save_file(classifier.state_dict(), tmp_path / "digits_classifier_16.safetensors")
    loaded = load_classifier(16, root=tmp_path)
    assert torch.equal(loaded.out.weight, classifier.out.weight)


def test_other_contents_are_named(tmp_path):
    path = tmp_path / "x.safetensors"
    for note in ("[]", "{}", "no JSON", '{"steps": "many"}'):
        save_file({"G.weight": torch.zeros(9)}, path, {"training": note})
        with pytest.raises(OSError, match=r"is damaged: .*(how many steps|Expecting value)"):
            read_weights(path.name, nets(), tmp_path)
    save_file({"G.weight": torch.zeros(9)}, path, {"training": json.dumps(ABOUT)})
    with pytest.raises(OSError, match=r"(?s)is damaged: .*size mismatch|Missing key"):
        read_weights(path.name, nets(), tmp_path)
    for header in (b"[]", b'{"__metadata__": 3}', b"\xff"):
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        assert header_of(path.read_bytes())[0] == {}
        with pytest.raises(OSError, match="is damaged: "):
            read_weights(path.name, nets(), tmp_path)


def test_a_root_that_is_no_path_is_named():
    with pytest.raises(TypeError, match="root = 7 is a int; it has to be a path"):
        load_classifier(16, root=7)


def test_the_files_need_no_checksum_of_their_own():
    """Most were made before there was one."""
    headers = [header_of(find_embedded(name).read_bytes())[0] for name in SHA256]
    assert all(set(h["__metadata__"]) - {"sha256"} == {"training"} for h in headers)
    assert any("sha256" not in h["__metadata__"] for h in headers)
