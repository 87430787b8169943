"""What all tests share: figures without a screen, notebooks run as the build runs them."""

import os

import matplotlib
import matplotlib.font_manager

matplotlib.use("agg")
os.environ.pop("MPLBACKEND", None)  # kernels choose their own, which shows figures inline
os.environ["TQDM_DISABLE"] = "1"  # as in notebooks/build.py: no progress bars in stderr
