"""What a lab shows, as the lines that make it: with a lab, and without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from gan_helpers import training
from gan_helpers.ensemble import Ensemble
from gan_helpers.lab.engine.choices import as_any, own_fields
from gan_helpers.lab.engine.comparison import SEED, Comparison
from gan_helpers.lab.engine.course import Leg
from gan_helpers.lab.engine.modes import AUGMENTED, CLASSES, Mode
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.in_words import (
    Page,
    call,
    changed,
    data_word,
    keywords,
    own_word,
    plain_word,
    settings_word,
    value_word,
)
from gan_helpers.translation.pretrained import step_of
from gan_helpers.translation.training import Translator

Shown = Session | Comparison


def as_code(shown: Shown, mode: Mode, look: Mapping[str, Any], text: Mapping[str, str]) -> str:
    """The lines that make what a lab shows: the lab itself, and a plain loop with its numbers.

    Args:
        shown: a session, or several side by side.
        mode: of the lab.
        look: keywords of the lab that are no settings of its GAN, where they differ.
        text: the words of the reader's language.
    """
    with_lab, without = Page(text, imports={"gan_helpers.lab": {"Lab"}}), Page(text)
    past = Past(shown)
    for page in (with_lab, without):
        page.note("code_with_lab" if page is with_lab else "code_without_lab")
        past.tell_what_is_left_out(page)
    lab_lines(with_lab, past, mode, look)
    loop_lines(without, past)
    return f"{with_lab.as_text()}\n\n{without.as_text()}"


class Past:
    """How what is shown came to be: one GAN until `fork`, and from there on each of `members`.

    Attributes:
        shown: a session, or several side by side.
        legs: of the one; the last one may be at `fork`, as what they have in common there.
        fork: where they part; where one alone is, at present.
        members: name -> session, where there are several.
        begins: name -> the step at which it began, 0 or that of the fork.
    """

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.several = shown if isinstance(shown, Comparison) else None
        self.members: dict[str, Session] = dict(self.several.sessions) if self.several else {}
        self.begins = {name: s.timeline.moments[0].step for name, s in self.members.items()}
        self.origin: Session = self.several.origin if self.several else shown  # type: ignore
        if self.several is None:
            self.fork, self.legs = shown.at, list(self.origin.course.legs)
            return
        self.fork = max(self.begins.values())
        common = self.common()
        self.legs = [leg for leg in self.origin.course.legs if leg.step < self.fork]
        if not self.legs or not self.legs[-1].like(common):
            self.legs.append(common)

    @property
    def given(self) -> bool:
        """Whether it began from a GAN that was trained elsewhere."""
        courses = [s.course for s in self.members.values()] or [self.origin.course]
        return any(course.given for course in courses)

    def at_start(self, name: str) -> Leg:
        """The settings with which a member began."""
        legs, begin = self.members[name].course.legs, self.begins[name]
        return [leg for leg in legs if leg.step <= begin][-1]

    def common(self) -> Leg:
        """What all had at the fork, but for what was meant to differ."""
        variants = self.several.variants  # type: ignore[union-attr]
        first, *others = self.members
        leg, found = self.at_start(first), {}
        for k in variants[first].keys() - {SEED}:
            alike = [self.at_start(name).experiment for name in others if k not in variants[name]]
            found[k] = getattr([*alike, self.origin.experiment][0], k)
        return replace(leg, step=self.fork, experiment=replace(leg.experiment, **found))

    def later(self, name: str) -> Iterator[tuple[int, Leg, Leg]]:
        """What a member changed after it began: (step of the others' loop, before, now)."""
        legs, begin = self.members[name].course.legs, self.begins[name]
        for before, now in pairwise(legs):
            if now.step > begin:
                yield now.step + self.fork - begin, before, now

    def steps_of_change(self) -> list[int]:
        """When something was changed after the fork, and trained by."""
        steps = {step for name in self.members for step, _, _ in self.later(name)}
        return sorted(step for step in steps if step < self.end)

    @property
    def end(self) -> int:
        """Until where the loop of all of them goes."""
        return max(s.at + self.fork - self.begins[n] for n, s in self.members.items())

    def tell_what_is_left_out(self, page: Page) -> None:
        """Comments on what no loop of steps repeats."""
        sessions = {"": self.origin} if self.several is None else self.members
        if self.given:
            page.note("code_given")
        for name, s in sessions.items():
            if s.course.apart is not None:
                page.note("code_apart", step=s.course.apart)
            elif s.amid_round:
                page.note("code_amid", step=s.at)
            if s.trouble:
                page.note("code_stopped", name=name or "gan", step=s.at, what=s.trouble.what)


# --- with a lab ----------------------------------------------------------------------------------


def lab_lines(page: Page, past: Past, mode: Mode, look: Mapping[str, Any]) -> None:
    """The lab, what was changed, and how far it was trained."""
    first, one = past.legs[0], past.origin
    words = [lab_data(page, first), *keywords_for_lab(page, first, mode)]
    words += [f"{name}={plain_word(value)}" for name, value in look.items()]
    words += [f"seed={one.seed}"] * bool(one.seed)
    words += [f"device={plain_word(one.device)}"] * (one.device != "cpu")
    if first.train_step:
        words.append(f"train_step={own_word(page, 'step', first.train_step)}")
    words += ["gan=gan"] * past.given
    page.put(call("lab = Lab", words))
    at = first.step
    for before, leg in pairwise(past.legs):
        at = run_to(page, at, leg.step)
        page.put(call("lab.change", changes(page, before, leg)))
    at = run_to(page, at, past.fork)
    if past.several:
        compare_lines(page, past)
    page.put("lab")


def compare_lines(page: Page, past: Past) -> None:
    """Split, and go on with all of them."""
    assert past.several
    page.put("lab.compare({")
    for name, own in past.several.variants.items():
        words = [f"{plain_word(k)}: {value_word(page, k, v)}" for k, v in own.items()]
        page.put(f"{plain_word(name)}: {{{', '.join(words)}}},", indent=4)
    page.put("})")
    at = past.fork
    found: dict[int, dict[str, str]] = {}
    for name in past.members:
        for step, before, leg in past.later(name):
            told = dict(word.split("=", 1) for word in changes(page, before, leg))
            found.setdefault(step, {}).update(told)
    for step in sorted(found):
        at = run_to(page, at, step)
        page.put(call("lab.change", [f"{k}={v}" for k, v in found[step].items()]))
    run_to(page, at, past.end)


def run_to(page: Page, at: int, step: int) -> int:
    """Train on until that step."""
    if step > at:
        page.put(f"lab.run({step - at})")
    return max(at, step)


def lab_data(page: Page, leg: Leg) -> str:
    """The data for a lab: their name, or what makes them."""
    return plain_word(leg.world) if leg.world else data_word(page, leg)


def keywords_for_lab(page: Page, leg: Leg, mode: Mode) -> list[str]:
    """What differs from what a lab takes for these data by itself."""
    e, names = leg.experiment, [f.name for f in fields(leg.experiment)]
    data = as_any(leg.world) if leg.data is None and leg.world else leg.data
    if data is None:  # nobody knows what suits them
        return keywords(page, e, names)
    suits = mode.session.suits(data)
    kind = own_fields(type(e))[:1] if mode in (CLASSES, AUGMENTED) else ()
    return keywords(page, e, [n for n in names if n in kind or getattr(e, n) != getattr(suits, n)])


def changes(page: Page, before: Leg, leg: Leg) -> list[str]:
    """What `lab.change` is given from one leg to the next."""
    names = changed(before.experiment, leg.experiment)
    words = keywords(page, leg.experiment, names)
    if not leg.same_data(before):
        words.append(f"data={lab_data(page, leg)}")
    if leg.train_step != before.train_step:
        words.append(f"train_step={own_word(page, 'step', leg.train_step)}")
    return words


# --- without a lab -------------------------------------------------------------------------------


def loop_lines(page: Page, past: Past) -> None:
    """The data, the GAN, and the loop; where there are several, a loop for all of them after it."""
    first, one = past.legs[0], past.origin
    page.put(f"data = {data_word(page, first)}{there(one)}")
    from_fresh = past.several and not past.fork
    if past.given:
        page.put("gan = gan.copy()")
    elif not from_fresh:
        page.put(f"experiment = {settings_word(page, first.experiment)}")
        page.put(f"gan = {fresh(page, one, 'experiment', one.seed)}")
    if past.fork > first.step:
        own_steps = {leg.train_step for leg in past.legs}
        step = step_word(page, one, first.train_step)
        if len(own_steps) > 1:
            page.put(f"take_step = {step}")
            step = "take_step"
        page.put(f"for step in range({span(first.step, past.fork)}):")
        for before, leg in pairwise(past.legs):
            if leg.step < past.fork:
                page.put(f"if step == {leg.step}:", indent=4)
                page.put(*leg_lines(page, one, before, leg), indent=8)
        page.put(f"loss_D, loss_G = {step}(gan, data)", indent=4)
    if past.several:
        several_lines(page, past)
        return
    last = past.legs[-1]
    if last.step == past.fork > first.step:  # set, and not yet trained by
        page.put(*leg_lines(page, one, past.legs[-2], last))
    if past.fork > first.step:
        page.put("print(gan.step, float(loss_D), float(loss_G))")


def several_lines(page: Page, past: Past) -> None:
    """All that stand side by side, and their loop."""
    begin_lines(page, past)
    one = next(iter(past.members.values()))
    plain = all(
        type(s.gan) is training.GAN and s.train_step is training.train_step
        for s in past.members.values()
    )
    again = f"ensemble = {page.use(Ensemble)}([*gans.values()])" if plain else ""
    if plain:
        page.put(again)
    if past.end == past.fork:
        return
    page.put(f"for step in range({span(past.fork, past.end)}):")
    for step in past.steps_of_change():
        page.put(f"if step == {step}:", indent=4)
        page.put(*change_lines(page, past, one, step), *([again] if plain else []), indent=8)
    if plain:
        page.put("losses_D, losses_G = ensemble.step(data)", indent=4)
        page.put("print(dict(zip(gans, zip(losses_D.tolist(), losses_G.tolist()))))")
    else:
        step_ = step_word(page, one, past.legs[-1].train_step)
        page.put(f"losses = {{name: {step_}(gan, data) for name, gan in gans.items()}}", indent=4)
        page.put("print({name: (float(d), float(g)) for name, (d, g) in losses.items()})")


def change_lines(page: Page, past: Past, one: Session, step: int) -> list[str]:
    """What all of several change, or each by itself."""
    found = {
        name: (before, leg)
        for name in past.members
        for at, before, leg in past.later(name)
        if at == step
    }
    alike = [leg_lines(page, one, *legs) for legs in found.values()]
    if len(alike) == len(past.members) and all(lines == alike[0] for lines in alike):
        mine = [line for line in alike[0] if line.startswith("gan.")]
        each = ["for gan in gans.values():", *(f"    {line}" for line in mine)] if mine else []
        return [*each, *(line for line in alike[0] if line not in mine)]
    lines: list[str] = []
    for name, legs in found.items():
        own = leg_lines(page, one, *legs, f"gans[{plain_word(name)}]")
        lines += [line for line in own if line not in lines]
    return lines


def begin_lines(page: Page, past: Past) -> None:
    """Each of several as it began: fresh, or a copy of the one with settings of its own."""
    assert past.several
    before = [leg for leg in past.legs if leg.step < past.fork or leg is past.legs[0]][-1]
    page.put("gans = {")
    settled = []
    for name, session in past.members.items():
        own = past.at_start(name)
        if SEED in past.several.variants[name] or not past.fork:
            settings = settings_word(page, own.experiment)
            made = fresh(page, session, settings, session.seed)
        else:
            made = "gan.copy()"
            if names := changed(before.experiment, own.experiment):
                settled.append(configured(page, f"gans[{plain_word(name)}]", own.experiment, names))
        page.put(f"{plain_word(name)}: {made},", indent=4)
    page.put("}", *settled)


def leg_lines(page: Page, session: Session, before: Leg, leg: Leg, of: str = "gan") -> list[str]:
    """What changes from one leg to the next."""
    lines = []
    if names := changed(before.experiment, leg.experiment):
        lines.append(configured(page, of, leg.experiment, names))
    if not leg.same_data(before):
        lines.append(f"data = {data_word(page, leg)}{there(session)}")
    if leg.train_step != before.train_step:
        lines.append(f"take_step = {step_word(page, session, leg.train_step)}")
    return lines


def configured(page: Page, of: str, experiment: Any, names: list[str]) -> str:
    """The line that changes settings of a GAN."""
    new = ", ".join(keywords(page, experiment, names))
    return f"{of}.configure({page.use(replace)}({of}.experiment, {new}))"


def fresh(page: Page, session: Session, experiment: str, seed: int) -> str:
    """A new GAN, by what stands for its settings."""
    kind = page.use(type(session.gan))
    device = "" if session.device == "cpu" else f", device={plain_word(session.device)}"
    return f"{kind}.for_data({experiment}, data, seed={seed}{device})"


def step_word(page: Page, session: Session, own: str) -> str:
    """The name of the step, of the reader's own or of the package."""
    if own:
        return own_word(page, "step", own)
    gan = session.gan
    return page.use(step_of(gan) if isinstance(gan, Translator) else session.standard_step)


def there(session: Session) -> str:
    """What brings data to where the GAN is."""
    return "" if session.device == "cpu" else f".to({plain_word(session.device)})"


def span(start: int, end: int) -> str:
    """The arguments of a range."""
    return f"{start}, {end}" if start else f"{end}"
