"""The benchmarks measure what they say: the reference plays the same game, every part runs."""

import os
import time

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks import cases, gpu, run, view
from benchmarks.reference import (
    ConditionalReference,
    CycleGANReference,
    Pix2PixReference,
    Reference,
)
from gan_helpers.conditional import training as conditional
from gan_helpers.conditional.training import Conditional, ConditionalGAN
from gan_helpers.datasets.pairs import Pairs
from gan_helpers.datasets.points import ring
from gan_helpers.experiment import Experiment
from gan_helpers.training import GAN, train_step
from gan_helpers.translation.cyclegan import CycleGAN, cycle_step
from gan_helpers.translation.pix2pix import Pix2Pix, train_step as translation_step
from gan_helpers.translation.training import Translation

QUICK = {
    "steps",
    "ensemble",
    "augment",
    "imports",
}  # the others need minutes, or a browser


@pytest.mark.parametrize(("batch", "width"), [(64, 32), (128, 64)])
def test_reference_plays_the_same_game(batch, width):
    data = ring()
    gan = GAN(Experiment(batch_size=batch, width=width, depth=2, lr_G=2e-3), (2,), seed=batch)
    reference = Reference(gan)
    for _ in range(10):
        losses = train_step(gan, data)
        torch.testing.assert_close(torch.tensor(reference.step(data)[:2]), torch.stack(losses))
    for net, other in ((gan.G, reference.G), (gan.D, reference.D)):
        for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-4)


def test_reference_logs_what_D_says():
    data = ring()
    gan = GAN(Experiment(depth=2, lr_D=0.0), (2,))
    rng = gan.copy().rng
    x_real, z = data.sample(128, rng), gan.sample_z(128, rng)
    with torch.no_grad():
        D_x, D_G_z = (gan.D(x).sigmoid().mean() for x in (x_real, gan.G(z)))
    *_, logged_D_x, logged_before, logged_after = Reference(gan, reuse=True).step(data)
    assert logged_D_x == pytest.approx(D_x.item(), abs=1e-6)
    assert logged_before == pytest.approx(D_G_z.item(), abs=1e-6)
    assert logged_after == pytest.approx(D_G_z.item(), abs=1e-6)  # D stood still: lr_D = 0


def test_reference_leaves_the_gan_alone():
    data, gan = ring(), GAN(Experiment(depth=2), (2,))
    twin = gan.copy()
    Reference(gan).step(data)
    assert torch.stack(train_step(gan, data)).equal(torch.stack(train_step(twin, data)))


def test_pix2pix_by_its_authors_is_the_same_game():
    x = torch.rand(2, 8, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    data = Pairs("noise", *x)
    gan = Pix2Pix(Translation(width=4, width_D=4, batch_size=4, norm="instance"))
    reference = Pix2PixReference(gan)
    for _ in range(3):
        loss_D, loss_G = reference.step(data)
        ours_D, ours_G = translation_step(gan, data)
        assert float(ours_D) / 2 == pytest.approx(loss_D, rel=1e-3)
        assert float(ours_G) == pytest.approx(loss_G, rel=1e-3)
    # Not the weights: a bias before a normalization has no gradient but noise, which Adam follows.
    with torch.no_grad():
        assert torch.allclose(gan.G(data.a), reference.G(data.a), atol=1e-2)


PICTURES = {"network": "conv", "latent_dim": 4, "width": 8, "batch_size": 8}


def assert_same_losses(reference, step, gan, data, halved=1.0):
    """Over three steps, and the same outcome."""
    for _ in range(3):
        theirs = reference.step(data)[:2]
        ours_D, ours_G = (float(loss) for loss in step(gan, data))
        assert (ours_D * halved, ours_G) == pytest.approx(theirs, rel=1e-3)


def test_dcgan_as_in_the_tutorial_is_the_same_game():
    gan = GAN(Experiment(**PICTURES), (1, 16, 16))
    assert_same_losses(Reference(gan), train_step, gan, cases.noise(1, 16, "cpu"))


def test_a_cgan_in_that_manner_is_the_same_game():
    e = Conditional(**PICTURES, condition="cgan")
    gan = ConditionalGAN(e, (1, 16, 16), n_classes=10)
    data = cases.noise(1, 16, "cpu")
    assert_same_losses(ConditionalReference(gan), conditional.train_step, gan, data)


def test_cyclegan_by_its_authors_is_the_same_game():
    small = {"width": 4, "width_D": 4, "batch_size": 4, "depth": 2, "history": 6}
    gan = CycleGAN(Translation(loss="least_squares", **small), (3, 3))
    data = cases.worlds(16, "cpu")
    assert_same_losses(CycleGANReference(gan), cycle_step, gan, data, halved=0.5)


def test_our_step_is_faster():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Seconds of this process only, so that a busy machine does not count.
        ours, theirs = cases.points(64, 32).make("cpu")
        times = run.race({"ours": ours, "theirs": theirs}, rounds=20, n=10, clock=time.process_time)
    finally:
        torch.set_num_threads(threads)
    assert min(times["theirs"]) > 1.1 * min(times["ours"])
    assert run.ratio(times, "theirs", "ours") > 1.1


def test_race_takes_turns_and_forgets_the_first_round():
    turns, now = [], iter(range(100))
    steppers = {name: lambda name=name: turns.append(name) for name in "ab"}
    times = run.race(steppers, rounds=2, n=3, clock=lambda: next(now))
    assert "".join(turns) == "aaabbb" * 3
    assert times == {"a": [1 / 3] * 2, "b": [1 / 3] * 2}


def test_ratio_compares_neighbours():
    times = {"slow": [2.0, 30.0, 4.0], "fast": [1.0, 10.0, 2.0]}
    assert run.ratio(times, "slow", "fast") == 2.0


@pytest.mark.parametrize(
    ("value", "target", "words"),
    [
        (2.0, {"low": 1.5}, "≥ 1.5 ok"),
        (1.0, {"low": 1.5}, "≥ 1.5 MISSED"),
        (1.0, {"high": 1.5}, "≤ 1.5 ok"),
        (2.0, {"high": 1.5}, "≤ 1.5 MISSED"),
        (2.0, {}, ""),
    ],
)
def test_targets(value, target, words):
    assert run.against(value, **target) == words


@pytest.mark.parametrize("part", sorted(QUICK))
def test_part_prints_its_table(part, capsys, monkeypatch):
    cheap = [f"import {name}" for name in ("json", "gan_helpers", "csv", "html", "calendar")]
    monkeypatch.setattr(run, "IMPORTS", cheap)  # torch takes its time
    threads = torch.get_num_threads()
    run.main([part, "--quick"])
    assert torch.get_num_threads() == threads
    machine, empty, title, header, *rows = capsys.readouterr().out.splitlines()
    assert torch.__version__ in machine and f"{os.cpu_count()} cores" in machine
    assert (empty, title) == ("", part)
    assert "median" in header and len(rows) >= len(run.ENSEMBLES)
    assert any(row.endswith(("ok", "MISSED")) for row in rows)


def test_notebook_is_timed(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "notebooks" / "en"
    folder.mkdir(parents=True)
    sources = ("1", "sum(range(30_000_000))", "2")
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    nbformat.write(notebook, folder / "slow.ipynb")
    seconds, slowest, cell = run.execute(folder / "slow.ipynb")
    assert 0 < slowest < seconds and cell == 1
    monkeypatch.setattr(run, "ROOT", tmp_path)
    run.notebooks(quick=True)
    assert "in cell 2" in capsys.readouterr().out


def test_without_a_browser_the_view_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(view.harness(), "CHROMIUM", "")
    for part in ("view", "pages"):
        run.main([part, "--quick"])
        assert "skipped: no Chromium" in capsys.readouterr().out


def test_unknown_part_is_named(capsys):
    with pytest.raises(SystemExit):
        run.main(["stpes"])
    assert "stpes" in capsys.readouterr().err


def test_the_try_of_a_gpu_runs_dry_on_the_cpu(capsys, monkeypatch, tmp_path):
    """All but its tests, which are skipped here anyway."""
    monkeypatch.setattr(gpu, "CASES", [cases.points(8, 4)])
    monkeypatch.setattr(gpu, "PARTS", {k: v for k, v in gpu.PARTS.items() if k != "tests"})
    kinds = ("plane", "side by side", "classes", "pix2pix")  # the others take as long again
    monkeypatch.setattr(gpu, "LABS", {kind: gpu.LABS[kind] for kind in kinds})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main(["--out", str(tmp_path / "table.md")])
    printed, written = capsys.readouterr().out, (tmp_path / "table.md").read_text("utf-8")
    assert written in printed and "no GPU: the CPU, in small" in written
    rows = [line for line in written.splitlines() if line.startswith("| lab")]
    assert len(rows) == len(gpu.LABS) and all("| ok |" in row for row in rows)
    assert "GANs in lock-step" in written and "points, 8 / 4, on 1 core" in written
    assert list(tmp_path.iterdir()) == [tmp_path / "table.md"]


def test_what_fails_on_a_gpu_is_told_and_the_rest_goes_on(capsys, monkeypatch):
    fine = {"after": lambda device: [["after", "ok", device]]}
    monkeypatch.setattr(gpu, "PARTS", {"first": lambda device: 1 / 0, **fine})
    with pytest.raises(SystemExit, match="1"):
        gpu.main([])
    printed = capsys.readouterr().out
    assert "| first | FAILED | ZeroDivisionError: division by zero |" in printed
    assert "| after | ok |" in printed


def test_a_gpu_is_tried_for_some_minutes_only(capsys, monkeypatch):
    monkeypatch.setattr(gpu, "PARTS", {"long": lambda device: 1 / 0})
    monkeypatch.setattr(gpu, "MINUTES", -1.0)
    gpu.main([])
    assert "| long | left out |" in capsys.readouterr().out
