"""A trained GAN in a file, with all that its next step depends on: loaded, it goes on as it was.

One safetensors file: tensors, and what JSON can say of the rest. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gan_helpers.augmentation.training import AugmentedGAN
from gan_helpers.checks import brief, check_device
from gan_helpers.conditional.training import ConditionalGAN
from gan_helpers.files import in_a_sentence, replace_file
from gan_helpers.losses import LOSSES, get_loss
from gan_helpers.regularizers import set_spectral_norm
from gan_helpers.training import GAN, parameters_of
from gan_helpers.translation.clouds import PointCycleGAN
from gan_helpers.translation.cyclegan import CycleGAN, History
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.weights import OWN, check_sum, header_of, signed

FORMAT = 1  # of the file; a higher one is of a later version of this package
KEY = "gan_helpers"  # where the file's metadata have what JSON can say
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (GAN, ConditionalGAN, AugmentedGAN, Pix2Pix, CycleGAN, PointCycleGAN)
}
SHAPES = ("event_shape", "n_classes", "channels")  # what networks are made for, beside settings
NETS, OPTIMIZERS = ("G", "D", "G_ema"), ("opt_G", "opt_D")
#: What is made anew from the settings; all else that a GAN has is kept as it is.
MADE = (*NETS, *OPTIMIZERS, *SHAPES, "rng", "experiment", "loss", "uses", "device")
OPTIONS = ("lr", "betas", "eps", "weight_decay")  # of Adam
#: What a damaged file may raise on the way.
DAMAGE = (KeyError, TypeError, ValueError, RuntimeError, IndexError, AttributeError)

Tensors = dict[str, Tensor]


def save_gan(gan: Any, path: str | Path) -> Path:
    """Write a GAN with its optimizers, its moving average and its chance. Returns the path.

    `load_gan` goes on from there: on the same machine with the same numbers, to the last bit. Only
    the noise of a translator with `dropout` is PyTorch's own, and not kept. The file is replaced as
    a whole.

    Args:
        gan: of any kind that the package has.
        path: of the file, e.g. "run.safetensors"; its folder has to exist.

    Raises:
        TypeError: if it is no such GAN, or something on it is more than numbers and tensors.
        ValueError: if its networks are not those that its settings make.
        OSError: if the file cannot be written; the message says why.
    """
    tensors: Tensors = {}
    return replace_file(path, as_file({"gan": pack(gan, tensors)}, tensors))


def load_gan(path: str | Path, *, loss: Any = None, device: str | None = None) -> Any:
    """The GAN that `save_gan` has written, or that of a lab's file (`Lab.save`).

    Args:
        path: of the file.
        loss: the `Loss`, where it was one of your own.
        device: where to go on; by default where it was. On another kind of device the numbers
            drawn from there on are others.

    Raises:
        FileNotFoundError, OSError: if there is no such file, or it is none of these, damaged, or
            of a later version; the message says what to do.
        ValueError: if the loss is missing, or there is no such device here.
    """
    about, tensors = read_file(path)
    return unpack(part(about, "gan", str(path)), tensors, Path(path).name, loss, device)


# --- a GAN, and what is said of it ---------------------------------------------------------------


def pack(gan: Any, tensors: Tensors) -> dict[str, Any]:
    """What JSON can say of a GAN; the rest goes into `tensors`. Errors: see `save_gan`."""
    kind = type(gan)
    if KINDS.get(kind.__name__) is not kind:
        raise TypeError(
            f"gan = {brief(gan)} cannot be saved; it has to be one of {', '.join(KINDS)}. Of an "
            "Ensemble, save its `members` one by one."
        )
    for name in nets_of(gan):
        for key, value in getattr(gan, name).state_dict().items():
            put(value, f"{name}.{key}", tensors)
    put(gan.rng.get_state(), "rng", tensors)
    said = {
        "kind": kind.__name__,
        "settings": say_settings(gan.experiment),
        "shape": {name: getattr(gan, name) for name in SHAPES if hasattr(gan, name)},
        "device": str(gan.rng.device),
        "training": {name: getattr(gan, name).training for name in nets_of(gan)},
        "optimizers": {name: pack_adam(getattr(gan, name), name, tensors) for name in OPTIMIZERS},
        "more": {k: put(v, f"gan.{k}", tensors) for k, v in vars(gan).items() if k not in MADE},
    }
    check_that_it_comes_back(gan, said, tensors)
    return said


def check_that_it_comes_back(gan: Any, said: dict[str, Any], tensors: Tensors) -> None:
    """Raise a ValueError if its networks are others than its settings make."""
    twin = fresh(said, tensors, gan.experiment.loss, torch.device("cpu"))
    for name in NETS[:2]:
        if layers_of(getattr(gan, name)) != layers_of(getattr(twin, name)):
            raise ValueError(
                f"gan.{name} is not the network that {type(gan.experiment).__name__}(…) makes, so "
                "it could not be loaded again; keep the weights of a network of your own by "
                "torch.save(net.state_dict(), …)."
            )


def layers_of(net: nn.Module) -> list[Any]:
    """What it is made of."""
    shapes = [(name, value.shape) for name, value in net.state_dict().items()]
    return [*(type(layer).__name__ for layer in net.modules()), *shapes]


def unpack(
    said: Mapping[str, Any], tensors: Tensors, file: str, loss: Any, device: str | None
) -> Any:
    """The GAN that `pack` was given. file: its name, for messages; the rest as for `load_gan`."""
    try:
        own, was = said["settings"]["loss"], str(said["device"])
        own = own["own"] if isinstance(own, dict) else None
    except DAMAGE as error:
        raise damaged(file, error) from error
    if own is not None and loss is None:
        raise ValueError(f"{file} was trained with a loss of your own, {own!r}; give it as loss=….")
    where = device_for(was, file, device)
    try:
        gan = fresh(said, tensors, loss, where)
        fill(gan, said, tensors)
    except DAMAGE as error:
        raise damaged(file, error) from error
    return gan


def fresh(said: Mapping[str, Any], tensors: Tensors, loss: Any, where: torch.device) -> Any:
    """A new GAN with the same layers."""
    kind = KINDS[said["kind"]]
    shape = {k: tuple(v) if isinstance(v, list) else v for k, v in said["shape"].items()}
    there = {} if where.type == "cpu" else {"device": where}  # points know no other
    gan = kind(settings_from(kind.settings, said["settings"], loss), **shape, **there)
    if any("parametrizations" in name for name in tensors):  # it is there even when it is off
        set_spectral_norm(gan.D, True)
        set_spectral_norm(gan.D, gan.experiment.spectral_norm)
    return gan


def fill(gan: Any, said: Mapping[str, Any], tensors: Tensors) -> None:
    """Bring a new GAN into the state of the old one."""
    for name in nets_of(gan):
        start, net = f"{name}.", getattr(gan, name)
        own = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
        net.load_state_dict(own)
        net.train(said["training"][name])
    for name in OPTIMIZERS:
        fill_adam(getattr(gan, name), name, said["optimizers"][name], tensors)
    state = tensors["rng"]
    if gan.rng.device.type == torch.device(said["device"]).type:
        gan.rng.set_state(state)
    else:
        gan.rng.manual_seed(int(state.long().sum()))
    for name, value in said["more"].items():
        setattr(gan, name, take(value, tensors, gan.rng.device))


def nets_of(gan: Any) -> list[str]:
    """The names of its networks."""
    return [name for name in NETS if isinstance(getattr(gan, name), nn.Module)]


def pack_adam(optimizer: torch.optim.Adam, name: str, tensors: Tensors) -> dict[str, Any]:
    """The options of an Adam; its averages go into `tensors`."""
    for k, p in enumerate(parameters_of(optimizer)):
        for key, value in optimizer.state.get(p, {}).items():
            put(value, f"{name}.{k}.{key}", tensors)
    (group,) = optimizer.param_groups
    return {option: put(group[option], f"{name}.{option}", tensors) for option in OPTIONS}


def fill_adam(
    optimizer: torch.optim.Adam, name: str, options: Mapping[str, Any], tensors: Tensors
) -> None:
    """Bring a new Adam into the state of the old one."""
    for k, p in enumerate(parameters_of(optimizer)):
        start = f"{name}.{k}."
        own = {n.removeprefix(start): v for n, v in tensors.items() if n.startswith(start)}
        if own:  # the fused kernel goes by memory: averages lie there as the weights do
            means = {n: torch.empty_like(p).copy_(own[n]) for n in ("exp_avg", "exp_avg_sq")}
            on_p = optimizer.param_groups[0]["capturable"]
            optimizer.state[p] = {"step": own["step"].to(p.device if on_p else "cpu"), **means}
    for option in OPTIONS:
        optimizer.param_groups[0][option] = take(options[option], tensors, "cpu")


def say_settings(experiment: Any) -> dict[str, Any]:
    """The fields of an experiment; a loss of the reader's own by its name alone."""
    said = {f.name: getattr(experiment, f.name) for f in fields(experiment)}
    loss = get_loss(experiment.loss)
    known = LOSSES.get(loss.name) is loss
    return said | {"loss": loss.name if known else {"own": loss.name}}


def settings_from(kind: type[Any], said: Mapping[str, Any], loss: Any = None) -> Any:
    """The experiment of that class; `loss` takes the place of that which is said."""
    return kind(**{**said, "loss": said["loss"] if loss is None else loss})


def device_for(was: str, file: str, device: str | None) -> torch.device:
    """Where to go on."""
    if device is not None:
        return check_device(device)
    try:
        return check_device(was)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} cannot go on where it was: {error} Give device='cpu'.") from error


# --- values ------------------------------------------------------------------------------------


def put(value: Any, name: str, tensors: Tensors) -> Any:
    """A value as JSON can say it; its tensors go to the others, under names that begin with this.

    Raises:
        TypeError: if it is something that a file does not hold.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if type(value) in (tuple, list):
        inner = [put(one, f"{name}.{k}", tensors) for k, one in enumerate(value)]
        return {type(value).__name__: inner}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: put(one, f"{name}.{key}", tensors) for key, one in value.items()}}
    if isinstance(value, History):
        return {"history": [value.size, put(value.kept, f"{name}.kept", tensors)]}
    raise TypeError(
        f"{name} is a {type(value).__name__}; a file holds numbers, words, tensors, and lists and "
        f"dicts of them. Take it away before you save: del {name}"
    )


def take(said: Any, tensors: Tensors, device: torch.device | str) -> Any:
    """The value that `put` was given, on that device."""
    if not isinstance(said, dict):
        return said
    ((kind, inner),) = said.items()
    if kind == "tensor":
        return tensors[inner].to(device)
    if kind == "dict":
        return {key: take(one, tensors, device) for key, one in inner.items()}
    if kind == "history":
        history = History(inner[0])
        history.kept = take(inner[1], tensors, device)
        return history
    return {"tuple": tuple, "list": list}[kind](take(one, tensors, device) for one in inner)


# --- the file ----------------------------------------------------------------------------------


def as_file(about: Mapping[str, Any], tensors: Tensors) -> bytes:
    """A whole file, which holds its own SHA-256."""
    from safetensors.torch import save  # imported here: not needed by who has nothing to write

    return signed(save(tensors, {KEY: json.dumps({"format": FORMAT, **about})}))


def read_file(path: str | Path) -> tuple[dict[str, Any], Tensors]:
    """What is said in a file, and its tensors; errors: see `load_gan`."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise in_a_sentence(error, f"{path} cannot be read", "Give the path of a file.") from error
    return from_file(content, str(path))


def from_file(content: bytes, name: str) -> tuple[dict[str, Any], Tensors]:
    """What `as_file` was given; errors: see `load_gan`. name: of the file, for messages."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    notes = header_of(content)[0].get("__metadata__", {})
    if KEY not in notes:
        raise OSError(
            f"{name} is no file of a lab or a GAN, or only the beginning of one: Lab.save and "
            "save_gan write them. Weights that come with the notebooks have functions of their "
            "own, e.g. load_pretrained."
        )
    try:
        about = json.loads(notes[KEY])
        newer = about["format"] > FORMAT
        if not newer:
            if OWN not in notes:
                raise ValueError("its SHA-256 is missing")
            check_sum(name, content, embedded=False)
            return about, load(content)
    except (SafetensorError, *DAMAGE) as error:
        raise damaged(name, error) from error
    raise OSError(
        f"{name} was written by a later version of gan_helpers (format {about['format']}, here "
        f"{FORMAT}); update gan_helpers, e.g. by git pull."
    )


def part(about: Mapping[str, Any], which: str, file: str) -> Any:
    """What a file says of a GAN or of a lab; an OSError if it has no such part."""
    if which not in about:
        raise OSError(
            f"{file} holds a GAN, but no lab; load_gan({Path(file).name!r}) opens it."
            if which == "lab"
            else f"{file} holds no GAN."
        )
    return about[which]


def damaged(file: str, error: Exception) -> OSError:
    """The error that says so."""
    return OSError(
        f"{file} is damaged or cut short: {str(error).splitlines()[0]}. Take another copy of it, "
        "or save again."
    )
