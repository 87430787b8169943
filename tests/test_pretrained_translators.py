"""The translators that come with the notebooks: that they work, and that they can be made again."""

import importlib.util
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

from gan_helpers.augmentation import pretrained
from gan_helpers.conditional.pretrained import KINDS
from gan_helpers.datasets.files import EMBEDDED, find_embedded
from gan_helpers.datasets.photos import load_photo_patches
from gan_helpers.datasets.scenes import draw_pairs
from gan_helpers.datasets.shoes import load_footwear
from gan_helpers.processes import Incomplete
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.judge import cycle_error, hidden_pair_error, judge_translation
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.pretrained import (
    RECIPES,
    Recipe,
    file_name,
    load_translator,
    make,
    save,
    train,
)
from gan_helpers.translation.tasks import Task, shoe_features

TINY = Recipe("maps", 4, (3, 3), 16, {"width": 4, "width_D": 4, "depth": 2})
MAPS = Task("maps", draw_pairs("maps", 20, 16), draw_pairs("maps", 8, 16, seed=1))


@pytest.fixture(scope="module")
def loaded():
    return {name: load_translator(name) for name in RECIPES}


@pytest.mark.parametrize("name", RECIPES)
def test_each_is_of_its_kind_and_translates(name, loaded):
    gan, recipe = loaded[name], RECIPES[name]
    a = torch.zeros(2, recipe.channels[0], recipe.size, recipe.size)
    assert isinstance(gan, Pix2Pix if recipe.paired else CycleGAN) and gan.step == recipe.steps
    b = gan.translate(a) if recipe.paired else gan.to_b(a)
    assert b.shape == (2, recipe.channels[1], recipe.size, recipe.size) and b.isfinite().all()


def test_they_are_small():
    sizes = [find_embedded(file_name(name)).stat().st_size for name in RECIPES]
    assert sum(sizes) < 10e6


def test_shoes_are_what_the_notebook_says(loaded):
    """L1 alone is closest and softest, the cGAN with L1 resembles real shoes most."""
    test = load_footwear("test", 32)
    found = {
        name: judge_translation(loaded[name].translate, test, shoe_features)
        for name in ("shoes_l1", "shoes_cgan", "shoes")
    }
    l1, cgan, both = found.values()
    assert l1.error < both.error < cgan.error and both.error < 1.1 * l1.error
    assert l1.sharpness < both.sharpness
    assert both.frechet < l1.frechet


@pytest.mark.parametrize("name", ["animals", "landscapes"])
def test_scenes_come_back_and_resemble_their_hidden_answers(name, loaded):
    test = draw_pairs(name, 20, 64, seed=1)
    unchanged = float((test.a - test.b).abs().mean())
    assert cycle_error(loaded[name], test) < 0.1
    assert hidden_pair_error(loaded[name], test) < 0.7 * unchanged


def test_colours_and_maps_are_closer_than_their_input(loaded):
    tests = {
        "colours": load_photo_patches("test", n=50),
        "maps": draw_pairs("maps", 20, 64, seed=1),
    }
    for name, test in tests.items():
        grey = float((test.b - test.a).abs().mean())
        assert judge_translation(loaded[name].translate, test).error < grey


def script_of(name):
    """A script beside the data, in no package."""
    spec = importlib.util.spec_from_file_location(name, EMBEDDED[1] / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_file_says_how_it_was_made(tmp_path):
    said = script_of("train_translators").make("maps", tmp_path, TINY, MAPS)
    assert said.startswith("maps_translator.safetensors: {'error': ")
    with safe_open(tmp_path / file_name("maps"), "pt") as opened:
        about = opened.metadata()["training"]
    assert '"steps": 4' in about and "train_translators.py" in about


@pytest.mark.parametrize("name", ["train_translators", "train_conditional", "train_few"])
def test_one_that_fails_is_named_at_the_end_and_the_others_are_kept(name, monkeypatch, capsys):
    def work_here(function, tasks, keep, jobs=2):
        first, *others = tasks
        for task in others:
            keep(task, f"{task} is written")
        raise Incomplete({first: "ValueError: no"}, 0, None)

    script = script_of(name)
    monkeypatch.setattr(script, "work", work_here)
    monkeypatch.setattr("sys.argv", [name])
    with pytest.raises(SystemExit) as ended:
        script.main()
    said = capsys.readouterr()
    kinds = {
        "train_translators": RECIPES,
        "train_conditional": KINDS,
        "train_few": pretrained.KINDS,
    }
    first, *others = kinds[name]
    assert ended.value.code == 1 and f"- {first}: ValueError: no" in said.err
    assert said.out.splitlines() == [f"{task} is written" for task in others]


@pytest.mark.parametrize("name", ["maps", "animals"])
def test_saved_and_loaded_it_is_the_same_to_half_precision(name, tmp_path, monkeypatch):
    recipe = replace(TINY, task=name)
    gan = train(recipe, MAPS, seed=3)
    save(gan, name, tmp_path, {"steps": 4})
    monkeypatch.setitem(RECIPES, name, recipe)
    again = load_translator(name, tmp_path)
    assert again.step == 4
    for one, other in ((gan.G, again.G), (gan.D, again.D)):
        for p, q in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-4)
            assert q.dtype == torch.float32 and q.requires_grad


def test_training_ends_with_small_steps_and_usual_settings():
    gan = train(TINY, MAPS)
    assert gan.step == 4 and gan.experiment == TINY.experiment
    again, untrained = train(TINY, MAPS), make(TINY)
    assert torch.equal(gan.G.up[0][0].weight, again.G.up[0][0].weight)
    assert not torch.equal(gan.G.up[0][0].weight, untrained.G.up[0][0].weight)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(ValueError, match="name = 'dogs' is unknown; choose one of shoes"):
        load_translator("dogs")
    with pytest.raises(FileNotFoundError, match="git checkout -- data/shoes_translator"):
        load_translator("shoes", tmp_path)
    (tmp_path / file_name("shoes")).write_bytes(b"no weights")
    with pytest.raises(OSError, match="is damaged"):
        load_translator("shoes", tmp_path)
