"""The runs behind what the lab says of a GAN: is the illness that it names the one it has?

Each run has a state that its settings are known to bring about (`expected`). Whether they did so is
measured at the end, by many fresh samples that the lab does not see (`STATES`); a GAN that is in
between counts for nothing. A GAN that ends well was well all the way. Here are those of points;
`diagnosis_pictures` has the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import torch

from gan_helpers.datasets.points import WORLDS_1D
from gan_helpers.ensemble import Ensemble
from gan_helpers.evidence.difficulties import update_D
from gan_helpers.evidence.judging import N_JUDGED, SEEDS, Row
from gan_helpers.evidence.wgan import WGAN, WGAN_GP
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.choices import default_experiment
from gan_helpers.lab.engine.diagnosis import SIGNS
from gan_helpers.lab.engine.look import PANEL
from gan_helpers.lab.engine.session import Session
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.metrics import mode_counts
from gan_helpers.remedies import ILLNESSES
from gan_helpers.training import GAN, looking_at, push_on_G
from gan_helpers.transport import wasserstein_distance

STUDIES = ("diagnosis", "diagnosis of pictures")
N_MOVED = 500  # samples between which the distance is taken
WELL = "well"


@dataclass(frozen=True)
class Diagnosed(Row):
    """GANs in lock-step, each watched as a lab would watch it.

    Args:
        expected: what these settings bring about: a name in `SIGNS`, or "well".
        experiment: what is trained at first.
        world: a name in `WORLDS` or `WORLDS_1D`.
        steps: G's updates.
        lead: updates of D before them, against a frozen G.
        fork: step from which on `then` holds.
        then: settings that change at the fork.
        marks: steps at which it is written down what the lab says; the end is one, too.
        seeds: of weights, noise and data. None was used to set a threshold.
    """

    expected: str
    experiment: Experiment = field(default_factory=Experiment)
    world: str = "ring"
    steps: int = 300
    lead: int = 0
    fork: int = 0
    then: Mapping[str, Any] = field(default_factory=dict)
    marks: tuple[int, ...] = (25, 50, 100, 150, 200, 300, 400, 600, 800, 1200)
    seeds: tuple[int, ...] = SEEDS

    before: ClassVar[tuple[str, ...]] = ("w1",)  # of `outcome`, what is taken at the beginning, too

    def measure(self) -> dict[str, list[float]]:
        """Train, listen, and judge.

        Returns:
            name of the quantity -> its value for each seed: `said_NAME_n`, 1 where the lab says
            NAME at step n; `so`, 1 where what was expected has come about; and by what that was
            judged, see `outcome`, with `…_before` for what it was at the beginning.
        """
        sessions = [self.session(seed) for seed in self.seeds]
        for session in sessions:
            session.detail = PANEL
        before = [self.outcome(session) if self.before else {} for session in sessions]
        said = {n: list(heard) for n, heard in self.listen(sessions)}
        found = {
            f"said_{name}_{n}": [float(name == one) for one in heard]
            for n, heard in said.items()
            for name in dict.fromkeys(heard)
            if name
        }
        ends = [
            self.outcome(session) | {f"{name}_before": start[name] for name in self.before}
            for session, start in zip(sessions, before, strict=True)
        ]
        found["so"] = [float(STATES[self.expected](end)) for end in ends]
        return found | {name: [end[name] for end in ends] for name in ends[0]}

    def session(self, seed: int) -> Session:
        """A GAN before training, as a lab has it."""
        return Session(self.experiment, self.world, seed)

    def outcome(self, session: Session) -> dict[str, float]:
        """By what it is judged which state a GAN is in."""
        return outcome(session)

    def listen(self, sessions: Sequence[Session]) -> Iterator[tuple[int, list[str]]]:
        """Train in lock-step, and give at each mark the names of what is said of them."""
        data = sessions[0].data
        ensemble = Ensemble([session.gan for session in sessions])
        for _ in range(self.lead):
            update_D(ensemble, data)
        for step in range(1, self.steps + 1):
            losses = torch.stack(ensemble.step(data)).T.tolist()
            if any(session.at % session.history.stride == 0 for session in sessions):
                ensemble.hand_out_gradients()  # they are written down now
            for session, pair in zip(sessions, losses, strict=True):
                session.note(tuple(pair))
            if step == self.fork:
                for session in sessions:
                    session.change(**self.then)
                ensemble = Ensemble([session.gan for session in sessions])
            if step in self.marks or step == self.steps:
                yield step, [heard_of(session) for session in sessions]


def heard_of(session: Session) -> str:
    """The name of what the lab says of a GAN; "" where it is silent."""
    return session.watch.said.name if session.watch.said else ""


@dataclass(frozen=True)
class WrongSign(Diagnosed):
    """The same with losses of the reader's own, in which a sign is wrong: one of `LOSSES` a seed.

    Args:
        players: whose sign that is, fields of `Loss`.
    """

    players: tuple[str, ...] = ()
    before: ClassVar[tuple[str, ...]] = ()

    def session(self, seed: int) -> Session:
        loss = list(LOSSES.values())[seed % len(LOSSES)]
        wrong: Any = {player: minus(getattr(loss, player), loss) for player in self.players}
        own = replace(loss, name="own", **wrong)
        return Session(replace(self.experiment, loss=own), self.world, seed)

    def outcome(self, session: Session) -> dict[str, float]:
        """`gain_D`, `gain_G`: what each gets by 25 updates alone, from fresh weights.

        For D that is the mean logit of real samples less that of generated ones, for G the latter.
        """
        gain: dict[str, float] = {}
        for player in "DG":
            gan = GAN(session.experiment, session.data.event_shape, session.seed)
            start = lead_and_bluff(gan, session)[player]
            for _ in range(25):
                getattr(gan, f"update_{player}")(session.data)
            gain[f"gain_{player}"] = lead_and_bluff(gan, session)[player] - start
        return gain


def minus(function: Callable[..., Any], loss: Loss) -> Callable[..., Any]:
    """The function with the other sign, of as many arguments."""
    if function is loss.generator and not loss.sees_real:
        return lambda d_fake: -function(d_fake)
    return lambda d_real, d_fake: -function(d_real, d_fake)


@torch.no_grad()
def lead_and_bluff(gan: GAN, session: Session) -> dict[str, float]:
    """What D wants to be large, and what G does."""
    rng = torch.Generator().manual_seed(10**6)
    d_fake = gan.D(gan.sample(gan.sample_z(N_JUDGED, rng))).mean()
    d_real = gan.D(session.data.sample(N_JUDGED, rng)).mean()
    return {"D": float(d_real - d_fake), "G": float(d_fake)}


def outcome(session: Session) -> dict[str, float]:
    """What many fresh samples say of a GAN.

    `good`: share of good samples. `held`: share of the modes that have a fifth of their fair share
    or more. `modes`: share of the modes that have a sample at all. `push`: norm of G's gradient.
    `loss_D`: D's loss, in size. `w1`: the distance.
    """
    gan, data, rng = session.gan, session.data, torch.Generator().manual_seed(10**6)
    z, x_real = gan.sample_z(N_JUDGED, rng), data.sample(N_JUDGED, rng)
    x_fake = gan.sample(z)
    counts = mode_counts(x_fake, data)  # (M,)
    with torch.no_grad(), looking_at(gan.D):
        loss_D = float(gan.loss.discriminator(gan.D(x_real), gan.D(x_fake)).abs())
    distance = wasserstein_distance(x_fake[:N_MOVED], x_real[:N_MOVED])
    return {
        "good": float(counts.sum()) / N_JUDGED,
        "held": float((counts >= 0.2 * N_JUDGED / len(counts)).float().mean()),
        "modes": float((counts > 0).float().mean()),
        "push": push_on_G(gan, z, x_real),
        "loss_D": loss_D,
        "w1": float(distance),
    }


def few(end: Mapping[str, float]) -> bool:
    """Whether hardly a sample is good."""
    return end["good"] < 0.15


#: State -> whether a GAN has ended in it, by `Diagnosed.outcome`.
STATES: dict[str, Callable[[Mapping[str, float]], bool]] = {
    WELL: lambda end: (
        end["modes"] >= 0.9 and (end["good"] >= 0.2 or end["w1"] <= 0.5 * end["w1_before"])
    ),
    "collapsed": lambda end: end["held"] <= 0.5 and end["good"] >= 0.5,
    "unsettled": lambda end: few(end) and end["modes"] < 0.9 and end["loss_D"] > 0.5,
    "gone": lambda end: few(end) and end["push"] < 1e-4,
    "starved": lambda end: few(end) and end["push"] < 1e-4,
    "overwhelmed": lambda end: (
        end["tells"] > 0.999 and end["sure"] <= 1
        if "tells" in end
        else few(end) and end["push"] >= 1e-4 and end["loss_D"] < 0.05
    ),
    "exploded": lambda end: few(end) and end["push"] > 100,
    "reversed": lambda end: end["gain_D"] < 0 or end["gain_G"] < 0,
    # Of pictures.
    "narrow": lambda end: end["most"] >= 0.5 and end["sure"] <= 3,
    "well_in_pictures": lambda end: end["most"] <= 0.3 and end["held"] >= 0.9,
    "ignored": lambda end: end["agreement"] < 0.2,
    "missing": lambda end: end["worst"] < 0.25 and end["second"] >= 0.6,
    "well_in_classes": lambda end: end["agreement"] >= 0.9 and end["worst"] >= 0.5,
    "by_heart": lambda end: end["knows"] >= 0.9 and end["takes"] <= 0.5,
    "leaking": lambda end: end["trace"] >= 0.1,
    "mirrored": lambda end: end["mirrored"] >= 0.35,
    "at_its_limit": lambda end: end["p"] >= 0.95 and end["too_sure"] > 0,
    "well_with_few": lambda end: (
        max(end["trace"], end["mirrored"]) < 0.3
        and end["knows"] <= 0.65
        and end["frechet"] <= 0.6 * end["frechet_before"]
    ),
}


def rows() -> Iterator[Diagnosed]:
    """All runs, the longest first."""
    e, ill = Experiment(), {name: replace(Experiment(), **row) for name, row in ILLNESSES.items()}
    ahead, slow = ill["mode_collapse"], ill["non_convergence"]

    def run(variant: str, expected: str, *args: Any, **more: Any) -> Diagnosed:
        return Diagnosed("diagnosis", variant, expected, *args, **more)

    ten = partial(run, seeds=SEEDS[:10])
    ten_wrong = partial(WrongSign, "diagnosis", seeds=SEEDS[:10])
    cured = {"fork": 150, "then": {"r1": 0.1, "d_steps": 1}, "marks": ()}
    yield run("grid", WELL, e, "grid", 2500)
    yield run("ring, D ahead, then R1", WELL, ahead, steps=700, **cured)
    yield run("ring, D ahead", "collapsed", ahead)
    yield run("grid, D ahead", "collapsed", ahead, "grid")
    yield ten("ring, saturating, D 500 ahead", "gone", ill["vanishing_gradient"], "ring", 150, 500)
    hopeless = replace(e, d_steps=20, lr_D=1e-2, lr_G=1e-5)
    yield ten("ring, G a thousand times slower", "overwhelmed", hopeless, steps=150)
    yield ten("ring, slow D", "unsettled", slow, steps=600)
    yield ten("grid, slow D", "unsettled", slow, "grid", 600)
    yield ten("ring, GP", "unsettled", replace(e, gradient_penalty=1.0), steps=600)
    yield ten("ring, WGAN, c = 0.001", "starved", replace(WGAN, clip=0.001), steps=200)
    yield ten("ring, WGAN without limits", "exploded", WGAN, steps=200)
    yield ten("ring", WELL, e, steps=800)
    yield ten("ring, R1", WELL, replace(e, r1=0.1), steps=800)
    yield ten("ring, SN", WELL, replace(e, spectral_norm=True), steps=800)
    yield ten("ring, WGAN-GP", WELL, WGAN_GP, steps=300)
    yield ten("ring, WGAN, c = 0.03", WELL, replace(WGAN, clip=0.03), steps=300)
    for world in ("two_gaussians", "moons"):
        yield ten(world, WELL, e, world, 400)
    line = default_experiment(WORLDS_1D["two_gaussians_1d"]())
    yield ten("two_gaussians_1d", WELL, line, "two_gaussians_1d", 400)
    for players in (("discriminator",), ("generator",), ("discriminator", "generator")):
        variant = f"ring, wrong sign: {' and '.join(players)}"
        yield ten_wrong(variant, "reversed", e, steps=100, marks=(), players=players)


def said_of(row: Mapping[str, Any], step: int) -> list[str]:
    """What the lab said of each GAN of a row of the evidence at a step; "" where it was silent."""
    said = [""] * len(row["run"]["seeds"])
    for quantity, values in row["found"].items():
        kind, _, rest = quantity.partition("_")
        name, _, when = rest.rpartition("_")
        if kind == "said" and int(when) == step:
            said = [name if value else one for one, value in zip(said, values, strict=True)]
    return said


def verdicts(
    evidence: Mapping[str, Any], studies: Sequence[str] = STUDIES
) -> dict[str, Counter[str]]:
    """State -> how often the lab said what of GANs that are in it, at the end.

    Names that mean all is well are one: "well". A state in between is no state, and left out.
    """
    table: dict[str, Counter[str]] = {}
    for name, row in evidence.items():
        if name.split("/")[0] in studies:
            said = said_of(row, row["run"]["steps"])
            so = [one for one, is_so in zip(said, row["found"]["so"], strict=True) if is_so]
            table.setdefault(plainly(row["run"]["expected"]), Counter()).update(map(plainly, so))
    return table


def alarms(evidence: Mapping[str, Any], studies: Sequence[str] = STUDIES) -> tuple[int, int]:
    """(How many GANs that are well were called ill at any mark, of how many)."""
    n = wrong = 0
    for name, row in evidence.items():
        run = row["run"]
        if name.split("/")[0] in studies and plainly(run["expected"]) == WELL:
            heard = [said_of(row, step) for step in {*run["marks"], run["steps"]}]
            for is_so, *said in zip(row["found"]["so"], *heard, strict=True):
                n += bool(is_so)
                wrong += bool(is_so) and any(plainly(one) not in ("", WELL) for one in said)
    return wrong, n


def plainly(name: str) -> str:
    """A name in `SIGNS`, or "well" for all that say so."""
    return WELL if name and not SIGNS[name].ill else name
