"""The steps as others write them, to measure those of `gan_helpers` against.

D ends in a sigmoid; `BCELoss` meets real and generated samples in two forward and two backward
passes, gradients are zeroed first, Adam is torch's default, and the numbers that are logged are
fetched one by one with `.item()`: the manner of PyTorch's own DCGAN tutorial. pix2pix and CycleGAN
are in the manner of their authors' code. The networks, the noise and the game are ours, so both
give the same numbers, up to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_helpers.conditional.training import ConditionalGAN, LabelledData, draw_batch
from gan_helpers.training import GAN, Data
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.training import TwoWorlds


class Reference:
    """The same GAN as `gan`, from the same weights and with the same future noise.

    Args:
        gan: for points or pictures, with the non-saturating loss.
        reuse: whether G learns from the samples that D has just seen, which saves a forward pass
            (the DCGAN tutorial does so); otherwise from new ones, as in algorithm 1.
    """

    def __init__(self, gan: GAN, reuse: bool = False) -> None:
        e, twin = gan.experiment, gan.copy()
        self.n, self.rng, self.reuse, self.latent_dim = e.batch_size, twin.rng, reuse, e.latent_dim
        self.G = sequential(twin.G)
        self.D = sequential(twin.D).append(nn.Sigmoid())
        betas = (e.beta1, e.beta2)
        self.opt_G = torch.optim.Adam(self.G.parameters(), lr=e.lr_G, betas=betas)
        self.opt_D = torch.optim.Adam(self.D.parameters(), lr=e.lr_D, betas=betas)
        self.criterion = nn.BCELoss()

    def step(self, data: Data) -> tuple[float, float, float, float, float]:
        """D once, then G once. Returns loss_D, loss_G, and D's mean verdicts on real samples, on
        generated ones, and on generated ones after its update."""
        # D: maximise log D(x) + log(1 - D(G(z)))
        self.D.zero_grad()
        x_real = data.sample(self.n, self.rng)
        label = torch.full((self.n,), 1.0, device=x_real.device)
        output = self.D(x_real).view(-1)
        error_real = self.criterion(output, label)
        error_real.backward()
        D_x = output.mean().item()

        z = torch.randn(self.n, self.latent_dim, generator=self.rng, device=x_real.device)
        x_fake = self.G(z)
        label.fill_(0.0)
        output = self.D(x_fake.detach()).view(-1)
        error_fake = self.criterion(output, label)
        error_fake.backward()
        D_G_z1 = output.mean().item()
        loss_D = error_real + error_fake
        self.opt_D.step()

        # G: maximise log D(G(z))
        self.G.zero_grad()
        if not self.reuse:
            z = torch.randn(self.n, self.latent_dim, generator=self.rng, device=x_real.device)
            x_fake = self.G(z)
        label.fill_(1.0)
        output = self.D(x_fake).view(-1)
        loss_G = self.criterion(output, label)
        loss_G.backward()
        D_G_z2 = output.mean().item()
        self.opt_G.step()
        return loss_D.item(), loss_G.item(), D_x, D_G_z1, D_G_z2


def sequential(net: nn.Module) -> nn.Sequential:
    """The layers of a network: convolutions as they are, perceptrons with leaky ReLUs between."""
    if isinstance(net.net, nn.Sequential):
        return net.net
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    layers: list[nn.Module] = []
    for layer in linear:
        layers += [layer, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


class ConditionalReference:
    """The same cGAN as `gan`, from the same weights: the step of `Reference` with classes.

    Args:
        gan: whose D is told y, with the non-saturating loss.
    """

    def __init__(self, gan: ConditionalGAN) -> None:
        e, twin = gan.experiment, gan.copy()
        self.twin, self.G, self.D, self.n = twin, twin.G, twin.D, e.batch_size
        betas = (e.beta1, e.beta2)
        self.opt_G = torch.optim.Adam(self.G.parameters(), lr=e.lr_G, betas=betas)
        self.opt_D = torch.optim.Adam(self.D.parameters(), lr=e.lr_D, betas=betas)
        self.criterion = nn.BCELoss()

    def step(self, data: LabelledData) -> tuple[float, float]:
        """D once, then G once. Returns both losses."""
        x_real, y, z = draw_batch(self.twin, data)
        real = torch.ones(self.n, device=x_real.device)
        fake = torch.zeros_like(real)
        self.opt_D.zero_grad()
        error_real = self.criterion(torch.sigmoid(self.D(x_real, y)), real)
        error_real.backward()
        x_fake = self.G(z, y)
        error_fake = self.criterion(torch.sigmoid(self.D(x_fake.detach(), y)), fake)
        error_fake.backward()
        self.opt_D.step()

        _, y, z = draw_batch(self.twin, data)
        self.opt_G.zero_grad()
        loss_G = self.criterion(torch.sigmoid(self.D(self.G(z, y), y)), real)
        loss_G.backward()
        self.opt_G.step()
        return (error_real + error_fake).item(), loss_G.item()


class Pix2PixReference:
    """The same pix2pix as `gan`, from the same weights: a step in the manner of its authors' code.

    One pass of G, D asked about real and generated pictures one after the other, gradients by
    `backward`, torch's default Adam, single precision, channels outermost.

    Args:
        gan: with the non-saturating loss, and a D that sees the input.
    """

    def __init__(self, gan: Pix2Pix) -> None:
        e, twin = gan.experiment, gan.copy()
        self.n, self.rng, self.l1 = e.batch_size, twin.rng, e.l1
        self.G, self.D = (net.to(memory_format=torch.contiguous_format) for net in (twin.G, twin.D))
        betas = (e.beta1, e.beta2)
        self.opt_G = torch.optim.Adam(self.G.parameters(), lr=e.lr_G, betas=betas)
        self.opt_D = torch.optim.Adam(self.D.parameters(), lr=e.lr_D, betas=betas)

    def step(self, data: TwoWorlds) -> tuple[float, float]:
        """D, then G, on the same pairs. Returns both losses, D's halved as in the paper."""
        a, b = data.sample(self.n, self.rng)
        fake = self.G(a)

        self.D.requires_grad_(True)
        self.opt_D.zero_grad()
        loss_fake = verdict(self.D(torch.cat([a, fake.detach()], 1)), 0.0)
        loss_real = verdict(self.D(torch.cat([a, b], 1)), 1.0)
        loss_D = (loss_fake + loss_real) * 0.5
        loss_D.backward()
        self.opt_D.step()

        self.D.requires_grad_(False)
        self.opt_G.zero_grad()
        loss_GAN = verdict(self.D(torch.cat([a, fake], 1)), 1.0)
        loss_G = loss_GAN + self.l1 * nn.functional.l1_loss(fake, b)
        loss_G.backward()
        self.opt_G.step()
        return loss_D.item(), loss_G.item()


class CycleGANReference:
    """The same CycleGAN as `gan`, from the same weights: a step in the manner of its authors' code.

    Each generator is asked for the translation, the way back and the identity one after the other,
    each D about real and generated pictures; gradients by `backward`, torch's default Adam.

    Args:
        gan: with the least-squares loss, and as many channels in A as in B.
    """

    def __init__(self, gan: CycleGAN) -> None:
        e, self.twin = gan.experiment, gan.copy()
        for net in (self.twin.G, self.twin.D):
            net.to(memory_format=torch.contiguous_format)
        betas = (e.beta1, e.beta2)
        self.opt_G = torch.optim.Adam(self.twin.G.parameters(), lr=e.lr_G, betas=betas)
        self.opt_D = torch.optim.Adam(self.twin.D.parameters(), lr=e.lr_D, betas=betas)

    def step(self, data: TwoWorlds) -> tuple[float, float]:
        """Both G, then both D. Returns the loss of all D, halved as there, and of all G."""
        e, ab, ba, D = self.twin.experiment, self.twin.G["ab"], self.twin.G["ba"], self.twin.D
        l1 = nn.functional.l1_loss
        a, b = data.sample(e.batch_size, self.twin.rng)
        fake_b, fake_a = ab(a), ba(b)
        back_a, back_b = ba(fake_b), ab(fake_a)

        D.requires_grad_(False)
        self.opt_G.zero_grad()
        loss_identity = e.cycle * e.identity * (l1(ab(b), b) + l1(ba(a), a))
        loss_GAN = squared(D["b"](fake_b), 1.0) + squared(D["a"](fake_a), 1.0)
        loss_cycle = e.cycle * (l1(back_a, a) + l1(back_b, b))
        loss_G = loss_GAN + loss_cycle + loss_identity
        loss_G.backward()
        self.opt_G.step()

        D.requires_grad_(True)
        self.opt_D.zero_grad()
        old_a = self.twin.fakes_a(fake_a, self.twin.rng)
        old_b = self.twin.fakes_b(fake_b, self.twin.rng)
        loss_D = 0.0
        for net, real, fake in ((D["a"], a, old_a), (D["b"], b, old_b)):
            loss = (squared(net(real), 1.0) + squared(net(fake.detach()), 0.0)) * 0.5
            loss.backward()
            loss_D += loss.item()
        self.opt_D.step()
        return loss_D, loss_G.item()


def squared(logits: Tensor, wanted: float) -> Tensor:
    """Half of the mean squared distance from this answer."""
    return 0.5 * nn.functional.mse_loss(logits, torch.full_like(logits, wanted))


def verdict(logits: Tensor, wanted: float) -> Tensor:
    """How far D is from giving this answer to all of it."""
    target = torch.full_like(logits, wanted)
    return nn.functional.binary_cross_entropy_with_logits(logits, target)
