"""Who the synthetic people are: age, sex, stature and build, drawn from published means and spreads.

Stature comes from tables, everything else (fat, muscle, proportions) from stated distributions of this module.

Sources of the statures:
- 3 and 4 years: WHO Child Growth Standards 2006, height-for-age.
- 5 to 19 years: WHO Growth Reference 2007, height-for-age (de Onis et al., Bulletin of the WHO 85:660).
- later: the WHO values at 19 years less the height lost with age: 3 cm (men) and 5 cm (women) from 30 to 70 years,
  5 cm and 8 cm by 80 years (Sorkin, Muller, Andres, American Journal of Epidemiology 1999;150:969).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WOMAN, MAN = 0, 1
YOUNGEST, OLDEST = 3.0, 80.0  # years

# Age in years: mean of girls and women, their SD, mean of boys and men, their SD; all in millimetres.
STATURES = {
    3: (951, 38, 961, 37),
    4: (1027, 43, 1033, 42),
    5: (1091, 47, 1097, 46),
    6: (1151, 51, 1160, 49),
    7: (1208, 55, 1217, 53),
    8: (1266, 58, 1273, 56),
    9: (1325, 61, 1326, 60),
    10: (1386, 64, 1378, 64),
    11: (1450, 66, 1431, 67),
    12: (1512, 68, 1491, 71),
    13: (1564, 69, 1560, 74),
    14: (1598, 69, 1632, 77),
    15: (1617, 69, 1690, 78),
    16: (1625, 68, 1729, 78),
    17: (1629, 67, 1752, 76),
    18: (1631, 66, 1761, 75),
    19: (1632, 65, 1765, 73),
    30: (1632, 65, 1765, 73),
    70: (1582, 65, 1735, 73),
    80: (1552, 65, 1715, 73),
}

_CHILDREN = 0.25  # fraction of people under 18 years
_TALLEST = 2.5  # standard deviations
# The model's weight goes from 0 to 1, which is no more than stout: it is carried on beyond.
_THINNEST, _HEAVIEST = 0.15, 1.5
# Years against the body model's age: 0 is one year old, 1/3 eleven, 2/3 twenty-five, 1 ninety (MakeHuman's targets).
_AGE_YEARS = (1, 3, 6, 11, 16, 19, 25, 40, 60, 90)
_AGE_MODEL = (0.0, 0.12, 0.22, 0.33, 0.56, 0.63, 0.667, 0.73, 0.84, 1.0)


@dataclass(frozen=True)
class Population:
    """Drawn people, arrays of one value each.

    Attributes:
        sex: (N,) 0 for women and girls, 1 for men and boys.
        age_years: (N,).
        stature_mm: (N,) standing height that the body is to have.
        phenotypes: the body model's own controls, each (N,), 0 to 1 (weight beyond); all but its height.
    """

    sex: np.ndarray
    age_years: np.ndarray
    stature_mm: np.ndarray
    phenotypes: dict[str, np.ndarray]


def stature_of(sex: np.ndarray, age_years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of stature in millimetres, (N,) each, between the rows of :data:`STATURES`.

    Args:
        sex: (N,) 0 for women and girls, 1 for men and boys.
        age_years: (N,).
    """
    ages = np.array(list(STATURES), np.float64)
    women_mean, women_sd, men_mean, men_sd = np.array(list(STATURES.values()), np.float64).T
    men = np.asarray(sex) >= 0.5
    mean = np.where(men, np.interp(age_years, ages, men_mean), np.interp(age_years, ages, women_mean))
    return mean, np.where(men, np.interp(age_years, ages, men_sd), np.interp(age_years, ages, women_sd))


def draw_population(generator: np.random.Generator, count: int) -> Population:
    """People of both sexes in equal parts, a quarter of them children, ages even within children and within adults."""
    sex = generator.permutation(np.arange(count) % 2)
    child = generator.random(count) < _CHILDREN
    age = np.where(child, generator.uniform(YOUNGEST, 18, count), generator.uniform(18, OLDEST, count))
    mean, sd = stature_of(sex, age)
    stature = mean + sd * np.clip(generator.standard_normal(count), -_TALLEST, _TALLEST)
    grown = np.clip((age - 9) / 7, 0, 1)
    races = generator.dirichlet((0.7, 0.7, 0.7), count)
    phenotypes = {
        # Girls and boys are built alike; the model's halfway between the sexes is already a young woman's figure.
        "gender": (1 - grown) * (0.25 - 0.15 * sex) + grown * np.abs(1 - sex - generator.uniform(0, 0.2, count)),
        "age": np.interp(age, _AGE_YEARS, _AGE_MODEL),
        "muscle": generator.beta(2.5, 3, count),
        "weight": _THINNEST + (_HEAVIEST - _THINNEST) * generator.beta(1.7, 2, count) * (0.7 + 0.3 * grown),
        "proportions": generator.beta(2.5, 2, count),
        "cupsize": grown * generator.beta(2, 2, count),
        "firmness": generator.beta(2, 2, count),
        "african": races[:, 0],
        "asian": races[:, 1],
        "caucasian": races[:, 2],
    }
    return Population(sex.astype(np.int8), age, stature, phenotypes)
