"""Several GANs side by side: from the same moment, in lock-step, each under its own settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gan_helpers import training
from gan_helpers.checks import check_choice, check_int
from gan_helpers.ensemble import Ensemble
from gan_helpers.lab.engine.controls import CONTROLS, TOGETHER, compared_of, variants
from gan_helpers.lab.engine.look import PANEL, Frame
from gan_helpers.lab.engine.record import Trouble, whole_steps
from gan_helpers.lab.engine.session import Session
from gan_helpers.losses import LOSSES
from gan_helpers.remedies import REMEDIES
from gan_helpers.threads import at_once, threads_of

MOST = 8  # more would be too small to be read
SEED = "seed"  # the one thing that may differ and is no field of an experiment
SHARED = ("real", "x", "p", "timeline")  # arrays that are the same for all


class Comparison:
    """2 to 8 GANs, stepped together. To the lab's worker it is a `Session`.

    Args:
        origin: where they all start; it is left as it is.
        variants: name -> what differs: fields of the experiment, or `{"seed": …}`, which starts
            from fresh weights.

    Raises:
        ValueError, TypeError: if there are too few or too many variants, or one is not possible.
    """

    def __init__(self, origin: Session, variants: Mapping[str, Mapping[str, Any]]) -> None:
        if not 2 <= len(variants) <= MOST:
            raise ValueError(f"{len(variants)} variants; 2 to {MOST} can be shown side by side.")
        self.origin, self.variants = origin, {n: dict(v) for n, v in variants.items()}
        self.sessions: dict[str, Session] = {}
        for name, settings in self.variants.items():
            session = origin.fork(PANEL, **{k: v for k, v in settings.items() if k != SEED})
            if SEED in settings:
                session.reset(settings[SEED])
            self.sessions[name] = session
        self._assemble()

    def _assemble(self) -> None:
        """Those that are well go on in lock-step; an ensemble holds its members' own GANs."""
        self.alive = [s for s in self.sessions.values() if not s.trouble]
        plain = all(
            type(s.gan) is training.GAN and s.train_step is training.train_step for s in self.alive
        )
        self.ensemble = Ensemble([s.gan for s in self.alive]) if self.alive and plain else None

    # --- what moves them -----------------------------------------------------------------------

    def step(self) -> None:
        """One round of the game for everyone."""
        if self.ensemble is None:  # the reader's own step knows one GAN at a time
            self._each("step")
            return
        for session in self.alive:
            session.keep_order()
        try:
            with whole_steps(), threads_of(self.alive[0].gan):
                losses = torch.stack(self.ensemble.step(self.alive[0].data)).T.tolist()
            if any(s.at % s.history.stride == 0 for s in self.alive):
                self.ensemble.hand_out_gradients()  # they are written down now
        except Exception as error:  # a loss of the reader's own may raise anything
            for session in self.alive:
                session.fail(error)
        else:
            for session, (loss_D, loss_G) in zip(self.alive, losses, strict=True):
                session.phase, session.d_updates = "", 0
                session.note((loss_D, loss_G))
        if any(session.trouble for session in self.alive):
            self._assemble()

    def step_D(self) -> None:
        """One update of D only, for everyone."""
        self._each("step_D")

    def step_G(self) -> None:
        """One update of G only, for everyone."""
        self._each("step_G")

    def half_step(self) -> None:
        """D k times, then G, one update at a time; k may differ."""
        waiting = [s for s in self.alive if s.turn == "D"]
        if waiting:
            self._each("step_D", waiting)
        else:
            self._each("step_G")

    def _each(self, method: str, sessions: Sequence[Session] = ()) -> None:
        """Each by itself, outside of the ensemble; by default all that are well."""
        if self.ensemble is not None:
            self.ensemble.release()
        moved = sessions or self.alive
        at_once([getattr(session, method) for session in moved], [s.gan for s in moved])
        self._assemble()

    def fail(self, error: Exception) -> None:
        """Stop all because of an error."""
        for session in self.alive:
            session.fail(error)
        self._assemble()

    def run(self, n_steps: int) -> None:
        """`n_steps` rounds, or as many as there are before the last one blows up."""
        for _ in range(check_int("n_steps", n_steps, 0, 10**9)):
            if self.trouble:
                break
            self.step()

    def film(self, steps: Iterable[int]) -> list[list[Frame]]:
        """Train on, and keep what is to be seen of each at these steps."""
        frames = []
        for step in steps:
            self.run(max(step - self.at, 0))
            frames.append([session.frame() for session in self.sessions.values()])
        return frames

    def reset(self, seed: int | None = None) -> None:
        """Start again from fresh weights, all from the same seed; seeds that differ go on to do."""
        seed = self.origin.seed if seed is None else check_int("seed", seed, 0, 2**62)
        shift = seed - self.origin.seed
        self.origin.seed += shift
        for name, session in self.sessions.items():
            own = self.variants[name].get(SEED)
            if own is not None:
                own = self.variants[name][SEED] = own + len(self.sessions) * shift
            session.reset(self.origin.seed if own is None else own)
        self._assemble()

    def rewind(self, step: int) -> None:
        """Go back to the last moment kept at or before `step`, but not to before the fork."""
        for session in self.sessions.values():
            if session.timeline.moments[-1].step >= step or not session.trouble:
                session.rewind(step)
        self._assemble()

    def change(self, **settings: Any) -> bool:
        """Change settings of everyone, except for what is meant to differ.

        Returns:
            Whether training had to start again.
        """
        tried = []  # all of them, before any is changed
        for name, session in self.sessions.items():
            own = {k: v for k, v in settings.items() if k not in self.variants[name]}
            if "data" in own:  # which may bring settings of their own
                own |= {k: v for k, v in self.variants[name].items() if k != SEED}
            tried.append(session.try_change(**own))
        restarted = [make() for make in tried]
        if any(restarted):
            self.reset()  # all of them, to stay in step
        else:
            self._assemble()
        return any(restarted)

    # --- what is seen of them ------------------------------------------------------------------

    @property
    def trouble(self) -> Trouble | None:
        """Why nothing moves any more: once the last of them has stopped."""
        return None if self.alive else next(iter(self.sessions.values())).trouble

    @property
    def at(self) -> int:
        """G's updates so far."""
        return max(session.at for session in self.sessions.values())

    @property
    def n_shown(self) -> int:
        return len(self.sessions)

    @property
    def seed(self) -> int:
        return self.origin.seed

    def frame(self, anew: bool = True) -> Frame:
        """All of them in one frame; the arrays of the k-th begin with `k/`."""
        members: list[dict[str, Any]] = []
        arrays: dict[str, np.ndarray] = {}
        for k, (name, session) in enumerate(self.sessions.items()):
            header, own = session.frame(anew)
            grad = {f"{g}_now": float(own[g][-1]) for g in ("grad_D", "grad_G") if len(own[g])}
            trouble = str(session.trouble or "")
            members.append({**header, "name": name, "trouble": trouble, **grad})
            arrays |= {n if n in SHARED else f"{k}/{n}": array for n, array in own.items()}
        head = {"kind": "many", "step": self.at, "phase": members[0]["phase"], "members": members}
        return head, arrays


def variants_of(what: str, origin: Session) -> dict[str, dict[str, Any]]:
    """The variants that are offered for comparison, name -> what differs.

    Args:
        what: one of `controls.compared_of`.
        origin: what they differ from.
    """
    check_choice("compare", what, compared_of(type(origin.experiment), origin.absent))
    if what in TOGETHER:
        return {name: dict(settings) for name, settings in TOGETHER[what].items()}
    if what in CONTROLS:
        return variants(what, origin.experiment)
    if what == "loss":
        return {name: {"loss": name} for name in LOSSES}
    if what == "remedy":
        now = vars(origin.experiment)
        new = {n: r for n, r in REMEDIES.items() if any(now[k] != v for k, v in r.items())}
        if origin.at:
            new.pop("pac", None)  # needs new networks
        new = {n: r for n, r in new.items() if origin.can(**r)}
        untreated: dict[str, dict[str, Any]] = {"untreated": {}}
        return untreated | dict(list(new.items())[: MOST - 1])
    return {f"{SEED} {origin.seed + k}": {SEED: origin.seed + k} for k in range(MOST)}
