"""What the paper prints: Tekin et al., Learning to Fuse 2D and 3D Image Cues for Monocular Body Pose Estimation.

ICCV 2017, arXiv 1611.05708, Tables 1 to 5. NaN stands where the paper prints nothing.
"""

from __future__ import annotations

_NONE = float("nan")

ACTIONS = {
    "Directions": "Directions", "Discussion": "Discussion", "Eating": "Eating", "Greeting": "Greeting",
    "Phoning": "Phone Talk", "Posing": "Posing", "Purchases": "Buying", "Sitting": "Sitting",
    "SittingDown": "Sitting Down", "Smoking": "Smoking", "Photo": "Taking Photo", "Waiting": "Waiting",
    "Walking": "Walking", "WalkDog": "Walking Dog", "WalkTogether": "Walking Pair",
}  # fmt: skip
"""Human3.6M's names of the actions, in the order of Table 1, and the names that the paper prints."""

SIX_ACTIONS = ("Discussion", "Eating", "Greeting", "Photo", "Walking", "WalkDog")
"""The actions of the average that Table 1 calls that of six; found by adding up its rows."""

# Table 1, mm: the fifteen actions, the mean of six, the mean of all (of Pavlakos et al. not that of the row, 71.49).
TABLE_1 = {
    "paper, one model for all actions": (
        53.91, 62.19, 61.51, 66.18, 80.12, 64.61, 83.17, 70.93, 107.92, 70.44, 79.45, 68.01, 52.81, 77.81, 63.11,
        66.66, 70.81,
    ),
    "paper, a model for each action": (
        54.23, 61.41, 60.17, 61.23, 79.41, 63.14, 81.63, 70.14, 107.31, 69.29, 78.31, 70.27, 51.79, 74.28, 63.24,
        64.53, 69.73,
    ),
    "Pavlakos et al., by the paper": (
        67.38, 71.95, 66.70, 69.07, 71.95, 65.03, 68.30, 83.66, 96.51, 71.74, 76.97, 65.83, 59.11, 74.89, 63.24,
        69.78, 71.90,
    ),
}  # fmt: skip

# Table 2, mm after Procrustes alignment: one average each.
TABLE_2 = {"paper": 50.12, "Bogo et al., by the paper": 82.3, "Sanzari et al., by the paper": 93.15}

# Table 3, mm, HumanEva-I Walking: S1, S2, S3, their mean.
TABLE_3 = {
    "paper": (27.24, 14.26, 31.74, 24.41),
    "Yasin et al., by the paper": (35.8, 32.4, 41.6, 36.6),
    "Tekin et al. 2016, by the paper": (37.5, 25.1, 49.2, 37.3),
    "Zhou et al., by the paper": (34.2, 30.9, 49.1, 38.07),
}

# Table 4, PCP in %, KTH Multiview Football II: pelvis, torso, upper and lower arms, upper and lower legs, all parts.
TABLE_4 = {
    "paper, not pretrained": (66, 100, 74, 100, 100, 77, 83.2),
    "paper, pretrained": (100, 100, 100, 88, 100, 88, 95.2),
    "Pavlakos et al., by the paper": (_NONE, _NONE, 94, 80, 96, 84, _NONE),
    "Tekin et al. 2016, by the paper": (99, 100, 74, 49, 98, 77, 79),
    "Belagiannis et al., 2 cameras": (_NONE, _NONE, 64, 50, 75, 66, _NONE),
    "Burenius et al., 1 camera": (97, 87, 14, 6, 63, 41, 43),
    "Burenius et al., 2 cameras": (97, 90, 53, 28, 88, 82, 69),
}

# Table 5, MPJPE in mm on Human3.6M, by the way of merging.
TABLE_5 = {"image-only": 124.13, "maps-only": 79.28, "early": 76.41, "late": 74.12, "trainable": 69.73}
