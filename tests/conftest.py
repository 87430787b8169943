"""What all tests share: figures without a screen, notebooks run as the build runs them."""

import os

import matplotlib
import matplotlib.font_manager
import torch

matplotlib.use("agg")
os.environ.pop("MPLBACKEND", None)  # kernels choose their own, which shows figures inline
os.environ["TQDM_DISABLE"] = "1"  # as in notebooks/build.py: no progress bars in stderr


# The networks are tiny, and threads of a busy machine wait for each other.
torch.set_num_threads(1)
