"""GANs and labs in files: they go on to the last bit, and what is no such file is refused."""

import json
from dataclasses import asdict, replace
from datetime import datetime, timezone

import numpy as np
import pytest
import torch
from test_translating import PAIRED, SMALL as SMALL_TRANSLATION, UNPAIRED
from torch import nn

from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import from_drawing
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.saved import Own, pack_session, unpack_session
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.lab.view import Lab
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.saved import FORMAT, KEY, as_file, from_file, load_gan, save_gan
from gan_helpers.training import GAN, train_step
from gan_helpers.translation.clouds import PointCycleGAN, ring_and_rows
from gan_helpers.translation.cyclegan import cycle_step
from gan_helpers.weights import header_of, signed

SMALL = {"width": 8, "depth": 1, "batch_size": 16}
CONV = {"network": "conv", "width": 4, "batch_size": 8, "latent_dim": 4}
OWN_LOSS = Loss("mine", LOSSES["hinge"].discriminator, LOSSES["hinge"].generator)


def pictures(n=12):
    x = torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Images("noise", x, torch.arange(n) % 3)


def plain(data="ring", **settings):
    return lambda: Session(Experiment(**{**SMALL, **settings}), data)


def classes(condition, **settings):
    make = ClassSession.trains.settings
    return lambda: ClassSession(make(condition=condition, **{**SMALL, **settings}), "ring")


AUGMENTED = AugmentedSession.trains.settings
#: Every kind of GAN in a lab; and all that a step keeps on one.
KINDS = {
    "points": plain(),
    "1-D": plain("two_gaussians_1d", latent_dim=1, d_steps=3),
    "spectral norm and average": plain(spectral_norm=True, ema=0.9),
    "a loss of pairs": plain(loss="relativistic", r1=0.1, r2=0.1),
    "a critic": plain(loss="wasserstein", gradient_penalty=1.0),
    "unrolled and packed": plain(unroll=2, pac=2),
    "pictures": lambda: Session(Experiment(**CONV, ema=0.9), "digits"),
    "cgan": classes("cgan"),
    "acgan": classes("acgan", spectral_norm=True),
    "projection": classes("projection"),
    "pictures with classes": lambda: ClassSession(
        ClassSession.trains.settings(condition="acgan", **CONV), "digits"
    ),
    "augmented": lambda: AugmentedSession(
        AUGMENTED(augment="both", ada=0.3, consistency=1.0, **CONV), "digits_50"
    ),
    "pix2pix": lambda: TranslationSession(replace(SMALL_TRANSLATION, ema=0.9), PAIRED),
    "CycleGAN": lambda: TranslationSession(replace(SMALL_TRANSLATION, history=6), UNPAIRED),
}
LONG = {"points": 100, "1-D": 100}  # steps before and after; a few tell as much


def packed(session):
    """As in a file, and out of it."""
    tensors = {}
    return from_file(as_file(pack_session(session, tensors), tensors), "run.safetensors")


def copied(session, **own):
    if isinstance(session, TranslationSession):
        own["data"] = session.data
    return unpack_session(*packed(session), "run.safetensors", Own(**own))


def state(gan):
    """All numbers of a GAN, by their names."""
    nets = {name: getattr(gan, name) for name in ("G", "D", "G_ema") if getattr(gan, name)}
    found = {f"{n}.{k}": v for n, net in nets.items() for k, v in net.state_dict().items()}
    for name in ("opt_G", "opt_D"):
        for k, values in enumerate(getattr(gan, name).state_dict()["state"].values()):
            found |= {f"{name}.{k}.{key}": value for key, value in values.items()}
    return found | {"rng": gan.rng.get_state()}


def same_state(one, other):
    a, b = state(one), state(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- it goes on as if nothing had happened -------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_to_the_last_bit(kind):
    one, n = KINDS[kind](), LONG.get(kind, 6)
    one.run(n)
    other = copied(one)
    assert same_state(one.gan, other.gan) and other.at == n and type(other) is type(one)
    for _ in range(n):
        assert one.step() == other.step()
    assert same_state(one.gan, other.gan)
    columns = slice(0, 5)  # the step, both losses and how both were pushed: at every stride alike
    rows = [np.array(s.history.rows)[:, columns] for s in (one, other)]
    assert np.array_equal(*rows) and other.history.stride == one.history.stride
    assert other.experiment == one.experiment and other.seed == one.seed


@pytest.mark.parametrize("kind", ["points", "a loss of pairs", "pix2pix", "CycleGAN"])
def test_amid_a_round_it_goes_on_as_well(kind):
    one = KINDS[kind]()
    one.run(2)
    one.half_step()
    other = copied(one)
    assert (other.phase, other.turn) == (one.phase, one.turn)
    for _ in range(3):
        one.half_step(), other.half_step()
    assert same_state(one.gan, other.gan) and one.course.apart is other.course.apart is None


def test_what_was_switched_off_again_leaves_no_trace():
    one = KINDS["points"]()
    for settings in ({"spectral_norm": True}, {"spectral_norm": False, "r1": 0.1, "lr_D": 3e-4}):
        one.run(3)
        one.change(**settings)
    other = copied(one)
    one.run(3), other.run(3)
    assert same_state(one.gan, other.gan)
    one.change(spectral_norm=True), other.change(spectral_norm=True)
    one.run(3), other.run(3)
    assert same_state(one.gan, other.gan)


def test_ada_keeps_its_probability_and_its_running_mean():
    one = KINDS["augmented"]()
    one.run(10)
    other = copied(one)
    assert (other.gan.p, other.gan.r_t) == (one.gan.p, one.gan.r_t) and one.gan.r_t != 0


def test_a_cyclegan_keeps_its_earlier_pictures():
    one = KINDS["CycleGAN"]()
    one.run(4)
    other = copied(one)
    assert torch.equal(one.gan.fakes_a.kept, other.gan.fakes_a.kept)
    one.change(history=3), other.change(history=3)
    one.run(3), other.run(3)
    assert same_state(one.gan, other.gan) and one.gan.fakes_a.size == 3


def test_the_curves_and_the_course_come_back():
    one = plain()()
    one.run(30)
    one.change(lr_D=3e-4)
    one.run(10)
    other = copied(one)
    a, b = one.history.arrays(8), other.history.arrays(8)
    assert all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
    legs = [(leg.step, leg.experiment.lr_D, leg.world) for leg in other.course.legs]
    assert legs == [(0, 1e-3, "ring"), (30, 3e-4, "ring")]
    assert [m.step for m in other.timeline.moments] == [40]  # of the past, only the present
    other.run(60)
    other.rewind(45)
    assert other.at == 40


def test_why_it_stopped_comes_back():
    one = plain(lr_D=1.0, lr_G=1.0, loss="wasserstein")()
    one.fail(ValueError("something"))
    other = copied(one)
    assert asdict(other.trouble) == asdict(one.trouble)


def test_what_is_asked_of_a_conditional_gan_comes_back():
    one = KINDS["cgan"]()
    one.ask(digit=3, turn=0.25)
    assert copied(one).look == one.look


# --- what is the reader's own --------------------------------------------------------------------


def test_a_drawing_is_kept():
    drawing = from_drawing([[(-1, -1), (1, 1)], [(0, 1)]])
    one = plain(drawing)()
    one.run(5)
    other = copied(one)
    assert torch.equal(other.data.means, drawing.means) and other.world == ""
    one.run(5), other.run(5)
    assert same_state(one.gan, other.gan)


def mine(gan, data):
    gan.seen = [*getattr(gan, "seen", ()), gan.step]
    gan.last = {"z": gan.sample_z(2)}
    return train_step(gan, data)


def test_what_a_file_does_not_hold_is_asked_for():
    one = Session(Experiment(**CONV, loss=OWN_LOSS), pictures(), train_step=mine)
    one.run(3)
    says = r"data, loss, train_step of your own.*'mine' and 'mine'.*Lab.load\('run.safetensors', "
    with pytest.raises(ValueError, match=says + "data=…, loss=…, train_step=…"):
        copied(one)
    other = copied(one, data=pictures(), loss=OWN_LOSS, train_step=mine)
    one.run(3), other.run(3)
    assert same_state(one.gan, other.gan) and other.gan.seen == list(range(6))
    assert torch.equal(other.gan.last["z"], one.gan.last["z"])


def test_data_of_another_shape_are_refused():
    one = Session(Experiment(**CONV), pictures())
    with pytest.raises(ValueError, match=r"was made for data with event_shape = \(1, 16, 16\)"):
        copied(one, data="digits_28")


def test_a_loss_of_the_past_that_is_not_there_any_more_costs_the_course_alone():
    one = plain(loss=OWN_LOSS)()
    one.run(2)
    one.change(loss="hinge")
    one.run(2)
    other = copied(one)
    assert other.course.given and [leg.step for leg in other.course.legs] == [4]
    assert same_state(one.gan, other.gan)


# --- a GAN outside of a lab ----------------------------------------------------------------------


def test_a_gan_alone(tmp_path):
    path = tmp_path / "gan.safetensors"
    data = plain()().data
    gan = GAN.for_data(Experiment(**SMALL), data, seed=5)
    for _ in range(20):
        train_step(gan, data)
    assert save_gan(gan, path) == path
    other = load_gan(path)
    for _ in range(20):
        assert train_step(gan, data) == train_step(other, data)
    assert same_state(gan, other)


def test_points_to_points(tmp_path):
    gan, data = PointCycleGAN(), ring_and_rows()
    cycle_step(gan, data)
    other = load_gan(save_gan(gan, tmp_path / "gan.safetensors"))
    assert cycle_step(gan, data) == cycle_step(other, data) and same_state(gan, other)


def test_a_member_of_an_ensemble(tmp_path):
    data = plain()().data
    gans = [GAN.for_data(Experiment(**SMALL, ema=0.9), data, seed) for seed in range(3)]
    ensemble = Ensemble(gans)
    ensemble.step(data)
    other = load_gan(save_gan(gans[1], tmp_path / "gan.safetensors"))
    assert same_state(gans[1], other)
    with pytest.raises(TypeError, match=r"one of GAN, ConditionalGAN.*its `members` one by one"):
        save_gan(ensemble, tmp_path / "gan.safetensors")


def test_the_gan_of_a_lab_can_be_taken_out_of_its_file(tmp_path):
    one, path = plain()(), tmp_path / "run.safetensors"
    tensors = {}
    path.write_bytes(as_file(pack_session(one, tensors), tensors))
    assert same_state(load_gan(path), one.gan)


def test_a_network_of_ones_own_is_named(tmp_path):
    path, gan = tmp_path / "gan.safetensors", plain()().gan
    gan.D = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"gan\.D is not the network that Experiment\(…\) makes"):
        save_gan(gan, path)
    gan = plain()().gan
    gan.notes = {"when": [object()]}
    with pytest.raises(TypeError, match=r"gan\.notes\.when\.0 is a object.*del gan"):
        save_gan(gan, path)
    assert not path.exists()


def test_the_rates_of_an_optimizer_that_was_changed_by_hand_are_kept(tmp_path):
    gan = plain()().gan
    gan.opt_D.param_groups[0]["lr"] = 7e-4
    other = load_gan(save_gan(gan, tmp_path / "gan.safetensors"))
    assert other.opt_D.param_groups[0]["lr"] == 7e-4


def test_a_loss_of_ones_own_is_asked_for(tmp_path):
    path = save_gan(plain(loss=OWN_LOSS)().gan, tmp_path / "gan.safetensors")
    with pytest.raises(ValueError, match=r"gan.safetensors .* loss of your own, 'mine'.*loss=…"):
        load_gan(path)
    assert load_gan(path, loss=OWN_LOSS).loss is OWN_LOSS


# --- no such file --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content():
    tensors = {}
    return as_file(pack_session(plain()(), tensors), tensors)


def with_notes(content, **notes):
    """The same file that says something else of itself, and is signed."""
    header, start = header_of(content)
    said = json.loads(header["__metadata__"][KEY])
    header["__metadata__"] = {KEY: json.dumps(said | notes)}
    text = json.dumps(header).encode()
    return signed(len(text).to_bytes(8, "little") + text + content[start:])


REFUSED = {
    "empty": (lambda c: b"", "is no file of a lab or a GAN"),
    "foreign": (lambda c: b"PK\x03\x04" + bytes(3000), "is no file of a lab or a GAN"),
    "the beginning": (lambda c: c[:100], "or only the beginning of one"),
    "cut short": (lambda c: c[:-100], "is damaged or cut short: its SHA-256"),
    "one bit": (lambda c: c[:-50] + bytes([c[-50] ^ 1]) + c[-49:], "is damaged or cut short"),
    "of later": (lambda c: with_notes(c, format=FORMAT + 1), "later version.*update gan_helpers"),
    "no format": (lambda c: with_notes(c, format=None), "is damaged"),
    "no lab": (lambda c: with_notes(c, gan=5, lab={"world": 3}), "is damaged"),
    "another kind": (lambda c: with_notes(c, gan={"kind": "os"}), "is damaged"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_such_file_is_refused_in_a_sentence(content, what, tmp_path):
    spoil, says = REFUSED[what]
    path = tmp_path / "run.safetensors"
    path.write_bytes(spoil(content))
    with pytest.raises(OSError, match=says) as error:
        unpack_session(*from_file(path.read_bytes(), str(path)), str(path), Own())
    assert "run.safetensors" in str(error.value)


@pytest.mark.parametrize("where", range(0, 400, 7))
def test_no_bit_of_the_header_can_turn_without_notice(content, where):
    spoilt = bytearray(content)
    spoilt[where] ^= 2
    with pytest.raises(OSError, match="run is"):
        unpack_session(*from_file(bytes(spoilt), "run"), "run", Own())


def test_weights_of_the_notebooks_are_no_such_file():
    from gan_helpers.datasets.files import find_embedded

    with pytest.raises(OSError, match=r"cgan_28.*have functions of their own"):
        load_gan(find_embedded("cgan_28.safetensors"))


def test_a_gan_is_no_lab(tmp_path):
    path = save_gan(plain()().gan, tmp_path / "gan.safetensors")
    content = from_file(path.read_bytes(), "gan.safetensors")
    with pytest.raises(OSError, match=r"holds a GAN, but no lab; load_gan\('gan.safetensors'\)"):
        unpack_session(*content, "gan.safetensors", Own())


def test_no_file_and_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot be read: .*Give the path"):
        load_gan(tmp_path / "none.safetensors")
    with pytest.raises(OSError, match="could not be written"):
        save_gan(plain()().gan, tmp_path / "none" / "gan.safetensors")


def test_where_there_is_no_such_device_it_is_said(content):
    about, tensors = from_file(content, "run")
    about["gan"]["device"] = "cuda:77"
    with pytest.raises(ValueError, match=r"run cannot go on where it was.*Give device='cpu'"):
        unpack_session(about, tensors, "run", Own())
    session = unpack_session(about, tensors, "run", Own(device="cpu"))
    session.run(2)
    assert session.trouble is None


def test_a_failed_save_leaves_the_file(tmp_path):
    path, gan = tmp_path / "gan.safetensors", plain()().gan
    before = save_gan(gan, path).read_bytes()
    gan.odd = object()
    with pytest.raises(TypeError, match=r"gan\.odd is a object"):
        save_gan(gan, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name]


# --- the lab -------------------------------------------------------------------------------------


@pytest.fixture
def lab():
    lab = Lab("ring", seed=4, remedies=True, unfold="remedies", **SMALL)
    lab.run(30)
    yield lab
    lab.close()


def uploaded(lab, path):
    """As the page does it, once the reader has chosen a file."""
    lab.worker.driver = "page"  # it is opened in this thread
    content = memoryview(path.read_bytes())
    about = {"type": "", "size": len(content), "last_modified": datetime.now(timezone.utc)}
    lab.upload.value = ({"name": path.name, "content": content, **about},)


def test_a_lab_goes_on(lab, tmp_path):
    lab._treat("r1", True)
    path = lab.save(tmp_path / "run.safetensors")
    other = Lab.load(path, lang="ja")
    assert (other.session.seed, other.world, other.with_remedies) == (4, "ring", True)
    assert other.unfolded == "remedies" and other.treated == lab.treated
    assert "run.safetensorsを開きました。ステップ30" in other.message.value
    lab.run(30), other.run(30)
    assert same_state(lab.session.gan, other.session.gan)
    assert lab.session.last_losses == other.session.last_losses
    other.change(data="grid")
    other.close()


def test_a_drawing_goes_on_in_a_lab(tmp_path):
    lab = Lab("ring", **SMALL)
    lab._draw([[(-1, 0), (1, 0)]])
    lab.run(5)
    other = Lab.load(lab.save(tmp_path / "run.safetensors"))
    assert other.world == "own" and torch.equal(other.session.data.means, lab.session.data.means)
    lab.run(5), other.run(5)
    assert lab.session.last_losses == other.session.last_losses


def test_a_file_that_was_chosen_takes_the_place_of_the_training(lab, tmp_path):
    path = lab.save(tmp_path / "run.safetensors")
    before = lab.session.last_losses
    lab.change(lr_D=1e-4)
    lab.run(10)
    for _ in range(2):  # the same one again
        uploaded(lab, path)
        assert lab.session.at == 30 and lab.session.last_losses == before
        assert "Going on from run.safetensors, at step 30" in lab.message.value
        assert lab.upload.value == () and lab.settings["lr_D"].value == 1e-3
        lab.run(10)
    lab.compare("loss")
    uploaded(lab, path)
    assert lab.comparison is None and lab.compare_with.value == "one"


def test_a_file_for_another_lab_says_how_to_open_it(lab, tmp_path):
    one = lab.session
    for other in (Lab("one_gaussian_1d", **SMALL), Lab("ring", condition="cgan", **SMALL)):
        uploaded(lab, other.save(tmp_path / "other.safetensors"))
        assert "another kind of lab" in lab.message.value and lab.session is one
        assert "Lab.load(&#x27;other.safetensors&#x27;)" in lab.message.value
        other.close()
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    uploaded(lab, tmp_path / "bad.safetensors")
    assert "is no file of a lab" in lab.message.value and lab.session is one


def test_of_several_side_by_side_one_has_to_be_picked(lab, tmp_path):
    lab.compare("loss")
    with pytest.raises(ValueError, match=r"lab\.pick\(name\), or .*lab\.compare\('one'\)"):
        lab.save(tmp_path / "run.safetensors")
    lab.pick("hinge")
    lab.run(3)
    other = Lab.load(lab.save(tmp_path / "run.safetensors"))
    assert same_state(lab.session.gan, other.session.gan)


def test_the_page_gets_the_file_and_the_code(lab, monkeypatch):
    sent = []
    monkeypatch.setattr(
        lab.stage, "send", lambda content, buffers=(): sent.append((content, buffers))
    )
    lab.worker.driver = "page"
    save, box = lab.tools[0], lab.code_box
    save.click()
    ((said, (content,)),) = sent
    assert said == {"type": "download", "name": "ring-30.safetensors"}
    assert from_file(content, "it")[0]["lab"]["seed"] == 4
    assert box.layout.display == "none"
    lab.code_button.value = True
    assert box.layout.display is None and lab.code.value == lab.as_code()
    box.children[1].click()
    assert sent[1][0] == {"type": "copy", "text": lab.as_code()}
    lab.code_button.value = False
    assert box.layout.display == "none"
