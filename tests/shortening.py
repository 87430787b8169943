"""Long training is cut short where tests execute a notebook.

What comes out of it is chance, which no test compares, so ten steps find the same mistakes as a
thousand. Every step is taken where notebooks are built, and by `pytest notebooks/en`.
"""

#: Section -> code of a notebook, and the same with less training: the steps at which a figure or
#: a later cell looks are all there, the steps between them are not.
SHORTER = {
    "12.4": {},  # the index trains nothing
    "12.4.1": {
        "by_hand(G, D, data, rng, 500)": "by_hand(G, D, data, rng, 5)",
        "range(1500):\n    loss_D": "range(30):\n    loss_D",
        "film([0, 200, 1000, 3000])": "film([0, 4, 20, 60])",
        "session.run(1500)": "session.run(15)",
        "film([0, 20, 60, 1500])": "film([0, 2, 6, 30])",
        "((3e-3, 1200), (3e-4, 500), (3e-5, 300))": "((3e-3, 12), (3e-4, 5), (3e-5, 3))",
        "trange(3000, leave=False)": "trange(6, leave=False)",
        "(100, 500, 3000)": "(2, 4, 6)",
    },
    "12.4.2": {
        "for n in range(1001):\n        if n in when": "for n in when:\n        if n in when",
        "for n in range(1001):\n    if n in (": "for n in (30, 100, 1000):\n    if n in (",
        "range(1000):\n        session.step_D()": "range(10):\n        session.step_D()",
        "step in range(steps):\n        session": "step in range(0, steps, 20):\n        session",
        "trained.run(1000)": "trained.run(10)",
        "range(300):\n        step_G(": "range(6):\n        step_G(",
        "range(steps):\n        train_step(": "range(3):\n        train_step(",
        "session.run(200)": "session.run(4)",
        "fork.run(200)": "fork.run(2)",
    },
    "12.4.3": {
        "(0, 60, 300), strict": "(0, 6, 12), strict",
        "real, fake, 1000, rng": "real, fake, 10, rng",
        "real, fake, 600, torch": "real, fake, 6, torch",
        "film((0, 50, 200, 400))": "film((0, 2, 4, 6))",
        "real, fake, 500, torch": "real, fake, 5, torch",
        "real, fake, 300, torch": "real, fake, 3, torch",
        "eight.run(400)": "eight.run(4)",
        "range(600):\n        train_step(": "range(199, 600, 200):\n        train_step(",
        "range(10, 601, 10)": "range(200, 601, 200)",
        "width=32, batch_size=32": "width=8, batch_size=8",
        "digits.sample(1000, torch": "digits.sample(100, torch",
        "torch.randn(1000, 64": "torch.randn(100, 64",
        "range(500):\n        train_step(": "range(99, 500, 200):\n        train_step(",
        "range(25, 501, 25)": "range(100, 501, 200)",
        "four.run(500)": "four.run(5)",
    },
    "12.4.4": {
        "range(1500):\n    x_real": "range(15):\n    x_real",
        "(50, 300, 1000), strict": "(2, 4, 6), strict",
        "steps=2500": "steps=8",
        "in (250, 1000, steps)": "in (2, 4, steps)",
        "step % 250": "step % 4",
        "range(300):\n    train_step(": "range(3):\n    train_step(",
    },
    "12.4.5": {
        "trange(1, 1201, leave=False)": "[30, 200, 1200]",
        "trange(800, leave=False)": "range(4)",
        "trange(500, leave=False)": "range(2)",
    },
    "12.4.6": {
        "trange(1, n_steps + 1, leave=False)": "range(1, 5)",
        "step % 250 == 0": "step % 2 == 0",
        "n=2000)": "n=50)",
        "trange(500, leave=False)": "range(3)",
    },
}


def shortened(source, notebook):
    """A cell of the notebook of this name, with less training; other cells stay as they are."""
    for long, short in SHORTER.get(notebook.split("_")[0], {}).items():
        source = source.replace(long, short)
    return source
