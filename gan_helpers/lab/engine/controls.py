"""The settings that a lab offers: one row each. Sliders, groups and comparisons follow from them.

Which kind of GAN has a setting, its `Experiment` says. The words are in `labels`: its name, and
"compare_…" where its values can stand side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gan_helpers.augmentation.training import WAYS
from gan_helpers.augmentation.transforms import GREY
from gan_helpers.conditional.training import DISCRIMINATORS
from gan_helpers.experiment import EXTRAS, Experiment
from gan_helpers.losses import get_loss


@dataclass(frozen=True)
class Control:
    """A setting of a GAN that the reader can change.

    Args:
        group: under which heading it stands; "" where it has a place of its own.
        options: what a slider offers, with 0 for "off"; none for a checkbox. Only options: a
            numeric slider rounds to its grid, and by that changes the setting.
        compared: values that are worth standing side by side, perhaps by names.
        off: what 0 stands for.
        waking: what has to be set as well where it would do nothing, see `Experiment.idle`.
    """

    group: str = ""
    options: tuple[Any, ...] = ()
    compared: tuple[Any, ...] | Mapping[str, Any] = ()
    off: Any = 0
    waking: Mapping[str, Any] = field(default_factory=dict)


RATES = (1e-5, 3e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 3e-2, 1e-1)
WEIGHTS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
CLIPS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SEEN = {"augment": "both"}  # what D is shown transformed, at all

CONTROLS: dict[str, Control] = {
    "d_steps": Control("basics", (*range(1, 11), 20), (1, 2, 5, 10)),
    "lr_D": Control("basics", RATES, (1e-4, 5e-4, 1e-3, 4e-3)),
    "lr_G": Control("basics", RATES, (1e-4, 5e-4, 1e-3, 4e-3)),
    "beta1": Control("basics", (0.0, 0.5, 0.9), (0.0, 0.5, 0.9), off=0.0),
    "batch_size": Control("basics", (16, 32, 64, 128, 256, 512), (16, 64, 128, 512)),
    "width": Control("basics", (8, 16, 32, 64, 128)),
    "clip": Control("remedies", (0.0, *CLIPS), (*CLIPS, 0.0), off=None),
    "gradient_penalty": Control("remedies", WEIGHTS, (0.0, 0.1, 1.0, 10.0), off=0.0),
    "one_sided": Control("remedies"),
    "r1": Control(
        "remedies", (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0), (0.0, 0.01, 0.1, 1.0), off=0.0
    ),
    "r2": Control(
        "remedies", (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0), (0.0, 0.01, 0.1, 1.0), off=0.0
    ),
    "spectral_norm": Control("remedies"),
    "unroll": Control("remedies", (0, 1, 3, 5, 10)),
    "pac": Control("remedies", (1, 2, 4, 8)),
    "condition": Control(compared={name: name for name in DISCRIMINATORS}),
    "class_weight": Control(
        "classes", (*WEIGHTS, 30.0), (0.0, 0.3, 1.0, 10.0), off=0.0, waking={"condition": "acgan"}
    ),
    "class_on_fake": Control("classes"),
    "augment": Control(compared={f"augment_{name}": name for name in WAYS}),
    "transforms": Control(
        compared={f"transform_{name}": (name,) for name in GREY}, waking=SEEN
    ),
    "adversarial": Control("translation", (0.0, 1.0), off=0.0),
    "l1": Control("translation", (0.0, 1.0, 3.0, 10.0, 30.0, 100.0), (0.0, 1.0, 10.0, 100.0), 0.0),
    "cycle": Control("translation", (0.0, 1.0, 3.0, 10.0, 30.0), (0.0, 1.0, 10.0, 30.0), off=0.0),
    "identity": Control("translation", (0.0, 0.1, 0.5, 1.0), off=0.0),
    "history": Control("translation", (0, 50)),
    "conditional": Control("translation"),
    "skips": Control("translation"),
    "strength": Control("augmentation", SHARES, off=0.0),
    "p": Control("augmentation", SHARES, (0.0, 0.25, 0.5, 1.0), off=0.0, waking=SEEN),
    "ada": Control("augmentation", (0.0, 0.2, 0.3, 0.4, 0.6, 0.8), off=0.0),
    "consistency": Control("augmentation", (0.0, 0.1, 1.0, 10.0), (0.0, 0.1, 1.0, 10.0), off=0.0),
}  # fmt: skip

#: What differs by several settings at once: name -> name of a variant -> its settings.
TOGETHER: dict[str, dict[str, dict[str, float]]] = {
    "terms": {
        "only_l1": {"adversarial": 0.0, "l1": 10.0},
        "only_gan": {"adversarial": 1.0, "l1": 0.0},
        "l1_and_gan": {"adversarial": 1.0, "l1": 10.0},
    },
    "cycles": {
        "with_cycle": {"cycle": 10.0, "identity": 0.5},
        "no_identity": {"cycle": 10.0, "identity": 0.0},
        "no_cycle": {"cycle": 0.0},
    },
}


def controls_of(settings: type[Any]) -> dict[str, Control]:
    """The rows of a kind of GAN."""
    names = {f.name for f in fields(settings)} - set(settings.left_out)
    return {name: row for name, row in CONTROLS.items() if name in names}


def groups_of(settings: type[Any]) -> dict[str, list[str]]:
    """Heading -> the settings that stand under it."""
    groups: dict[str, list[str]] = {}
    for name, row in controls_of(settings).items():
        if row.group:
            groups.setdefault(row.group, []).append(name)
    return groups


def compared_of(settings: type[Any], absent: Collection[str] = ()) -> list[str]:
    """What can stand side by side; first what only this kind of GAN has.

    absent: settings that it does not know.
    """
    rows = controls_of(settings)
    known = rows.keys() - set(absent)
    names = [name for name, row in rows.items() if row.compared and name in known]
    common = [name for name in names if hasattr(Experiment, name)]
    own = [name for name in names if name not in common]
    several = [n for n, all_ in TOGETHER.items() if all(known.issuperset(s) for s in all_.values())]
    cured = ["remedy"] * bool(known.intersection(EXTRAS))
    return [*several, *own, "loss", *cured, "seed", *common]


def variants(name: str, experiment: Any) -> dict[str, dict[str, Any]]:
    """The values of a setting that can stand side by side: name of a variant -> what differs."""
    row = CONTROLS[name]
    more = row.waking if name in experiment.idle else {}
    if isinstance(row.compared, Mapping):
        return {word: {name: value, **more} for word, value in row.compared.items()}
    turned_off = row.off is None  # 0 is no value of it
    return {
        f"{name} off" if turned_off and not value else f"{name} = {value:g}": {
            name: value or row.off,
            **more,
        }
        for value in row.compared
    }


def describe(experiment: Any) -> str:
    """What differs from the defaults and may be to blame, e.g. `loss=hinge, lr_D=0.1`."""
    e = experiment
    words = [f"loss={get_loss(e.loss).name}", f"lr_D={e.lr_D:g}", f"lr_G={e.lr_G:g}"]
    for name in controls_of(type(e)):
        value = getattr(e, name)
        if name not in ("lr_D", "lr_G") and value != getattr(type(e), name, None):
            words.append(f"{name}={value}")
    return ", ".join(words)
