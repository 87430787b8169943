"""The self-checks of the exercises: each says what is wrong, and returns whether it is right.

An answer that is still None is no error, so that a notebook runs from top to bottom.
"""

from gan_helpers.exercises.augmentation import (
    check_augmented_loss,
    check_flipped,
    check_heuristic,
    check_mirrored,
    check_quarter_turns,
)
from gan_helpers.exercises.basic_gan import (
    check_gradient_ratio,
    check_linear_generator,
    check_optimal_logit,
    check_two_G_updates,
    check_value_at_equality,
)
from gan_helpers.exercises.conditional import (
    check_channels,
    check_disobedient,
    check_double_softmax,
    check_matching_aware,
)
from gan_helpers.exercises.difficulties import (
    check_best_answer,
    check_cure,
    check_diagnosis,
    check_pack,
    check_spectral_norm,
    check_stuck_slope,
    train_patients,
)
from gan_helpers.exercises.translation import (
    check_cycle_loss,
    check_least_l1,
    check_negatives,
    check_patch_width,
)
from gan_helpers.exercises.wgan import (
    check_critic_loss,
    check_distance_by_hand,
    check_one_sided,
    check_penalised_slope,
    check_what_jsd_sees,
)

__all__ = [
    "check_augmented_loss",
    "check_best_answer",
    "check_channels",
    "check_critic_loss",
    "check_cure",
    "check_cycle_loss",
    "check_diagnosis",
    "check_disobedient",
    "check_distance_by_hand",
    "check_double_softmax",
    "check_flipped",
    "check_gradient_ratio",
    "check_heuristic",
    "check_least_l1",
    "check_linear_generator",
    "check_matching_aware",
    "check_mirrored",
    "check_negatives",
    "check_one_sided",
    "check_optimal_logit",
    "check_pack",
    "check_patch_width",
    "check_penalised_slope",
    "check_quarter_turns",
    "check_spectral_norm",
    "check_stuck_slope",
    "check_two_G_updates",
    "check_value_at_equality",
    "check_what_jsd_sees",
    "train_patients",
]
