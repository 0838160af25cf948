"""What people wear: garments, their cloth and colours, skin and hair, chosen to fit each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from train.synthesis.body import BodyPack, Person
from train.synthesis.hair import Head, draw_head, head_surfaces, skin_tint
from train.synthesis.surface import Material, Surface, linear
from train.synthesis.tailor import FAR, UNDER_MM, Cut, Figure, Measures, garment, measure, tailor_of

Colour = tuple[float, float, float]

# sRGB; the plain colours that most clothes have, then the bright ones.
_PLAIN: tuple[Colour, ...] = (
    (0.09, 0.09, 0.10), (0.17, 0.17, 0.19), (0.33, 0.34, 0.36), (0.55, 0.56, 0.57), (0.78, 0.78, 0.78),
    (0.93, 0.93, 0.92), (0.96, 0.95, 0.91), (0.12, 0.16, 0.28), (0.18, 0.25, 0.40), (0.72, 0.65, 0.53),
    (0.58, 0.50, 0.38), (0.36, 0.27, 0.20), (0.34, 0.36, 0.24), (0.45, 0.16, 0.18),
)  # fmt: skip
_BRIGHT: tuple[Colour, ...] = (
    (0.78, 0.13, 0.14), (0.88, 0.42, 0.16), (0.90, 0.76, 0.26), (0.20, 0.48, 0.26), (0.15, 0.50, 0.50),
    (0.16, 0.36, 0.68), (0.55, 0.70, 0.88), (0.38, 0.22, 0.50), (0.84, 0.47, 0.58), (0.92, 0.76, 0.77),
    (0.62, 0.78, 0.66), (0.70, 0.82, 0.30),
)  # fmt: skip
_DENIM: tuple[Colour, ...] = (
    (0.16, 0.22, 0.34), (0.26, 0.36, 0.52), (0.45, 0.56, 0.70), (0.62, 0.71, 0.80), (0.13, 0.14, 0.18),
)  # fmt: skip
_LEATHER: tuple[Colour, ...] = ((0.08, 0.07, 0.07), (0.28, 0.17, 0.11), (0.45, 0.30, 0.19), (0.20, 0.13, 0.10))
_SKIN: tuple[Colour, ...] = (
    (0.92, 0.78, 0.69), (0.89, 0.72, 0.61), (0.84, 0.64, 0.52), (0.76, 0.56, 0.43), (0.64, 0.45, 0.33),
    (0.50, 0.34, 0.25), (0.37, 0.25, 0.19),
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A garment: its cut and its cloth."""

    cut: Cut
    cloth: Material


@dataclass(frozen=True)
class Outfit:
    """The appearance of a person.

    Attributes:
        layers: garments from the innermost to the outermost.
        skin: material of the skin.
        head: hair, face and hat.
    """

    layers: tuple[Layer, ...]
    skin: Material
    head: Head


@dataclass(frozen=True)
class DressedPerson:
    """A person in a posture and in clothes.

    Attributes:
        person: whose body.
        rotations: (21, 3, 3) posture.
        outfit: clothes, skin and hair.
        support: what bears the body: ``feet``, ``seat``, ``ground``, ``none`` (a jump), or empty to decide by the
            posture.
    """

    person: Person
    rotations: np.ndarray
    outfit: Outfit
    support: str = ""


def _shade(generator: np.random.Generator, colour: Colour, std: float = 0.035) -> Colour:
    return linear(np.clip(np.array(colour) + generator.normal(0, std, 3) + generator.normal(0, std), 0.03, 0.97))


def _pick(generator: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(generator.integers(len(colours)))]


def _cloth(generator: np.random.Generator, fold: float = 7.0, bright: float = 0.38) -> Material:
    """Mostly plain cloth, seldom a pattern; in the fraction ``bright`` of cases of a bright colour."""
    palette = _BRIGHT if generator.random() < bright else _PLAIN
    pattern = str(generator.choice(
        ["plain", "rows", "lines", "checks", "plaid", "dots", "blots", "two_tone"],
        p=[0.72, 0.06, 0.02, 0.02, 0.06, 0.03, 0.05, 0.04],
    ))  # fmt: skip
    size = {"rows": (30, 110), "lines": (25, 60), "checks": (25, 90), "plaid": (40, 130), "dots": (30, 70)}
    return Material(
        colour=_shade(generator, _pick(generator, palette)),
        second=_shade(generator, _pick(generator, _PLAIN + _BRIGHT)),
        pattern=pattern,
        size=float(generator.uniform(*size.get(pattern, (40, 90)))),
        fold=fold * float(generator.uniform(0.5, 1.6)),
        fold_size=float(generator.uniform(240, 480)),
        gloss=float(generator.choice([0.01, 0.03, 0.10], p=[0.6, 0.3, 0.1])),
        soft=0.08,
        wear=float(generator.uniform(0.02, 0.12)),
    )


def _denim(generator: np.random.Generator) -> Material:
    plain = replace(_cloth(generator), pattern="plain", gloss=0.02)
    colour = _shade(generator, _pick(generator, _DENIM), 0.02)
    return replace(plain, colour=colour, wear=_between(generator, 0.2, 0.7))


def _between(generator: np.random.Generator, low: float, high: float) -> float:
    return float(generator.uniform(low, high))


def _top(generator: np.random.Generator, size: Measures, *, woman: bool) -> Layer:
    """Shirt, blouse, jumper, vest."""
    kind = generator.choice(["tee", "long", "vest", "polo"], p=[0.46, 0.34, 0.10, 0.10])
    sleeve = {
        "tee": _between(generator, 0.45, 0.95) * size.upper_arm,
        "polo": _between(generator, 0.6, 0.95) * size.upper_arm,
        "long": _between(generator, 0.9, 1.0) * size.whole_arm,
        "vest": 0.0,
    }[kind]
    if kind == "long" and generator.random() < 0.2:
        sleeve = size.upper_arm * _between(generator, 1.0, 1.5)  # pushed up
    fractions = [0.55, 0.15, 0.2, 0.1] if woman else [0.66, 0.14, 0.02, 0.18]
    neck = str(generator.choice(["crew", "v", "scoop", "collar"], p=fractions))
    if kind == "vest":
        neck = str(generator.choice(["scoop", "straps"] if woman else ["scoop", "crew"]))
    if kind == "polo":
        neck = "collar"
    tight = generator.random() < (0.4 if woman else 0.15)
    hem = size.levels["crotch"] + _between(generator, -20, 110) * size.scale
    loose = _between(generator, 1, 8) if tight else _between(generator, 8, 34)
    cut = Cut("tights", FAR, hem, sleeve, neck, -1.0, 6.0, loose)
    cloth = _denim(generator) if generator.random() < 0.04 else _cloth(generator)
    if cloth.pattern == "two_tone":
        cloth = replace(cloth, special=size.levels["chest"] + _between(generator, -60, 140) * size.scale)
    return Layer(cut, cloth)


def _bottom(generator: np.random.Generator, size: Measures, *, woman: bool) -> Layer:
    """Trousers, jeans, leggings, shorts, skirt."""
    kind = str(generator.choice(
        ["trousers", "jeans", "leggings", "shorts", "skirt"],
        p=[0.28, 0.36, 0.12, 0.12, 0.12] if woman else [0.38, 0.38, 0.02, 0.22, 0.0],
    ))  # fmt: skip
    waist = size.levels["waist"] + _between(generator, -25, 20) * size.scale
    knee, ankle, crotch = size.levels["knee"], size.levels["ankle"], size.levels["crotch"]
    if kind == "skirt":
        hem = _between(generator, 0.45, 1.0) * (knee - crotch) + crotch
        hem -= 60 * size.scale * (generator.random() < 0.5)
        return Layer(Cut("skirt", waist, hem, loose=_between(generator, 0, 45)), _cloth(generator, bright=0.3))
    if kind == "shorts":
        hem = crotch + (knee - crotch) * _between(generator, 0.3, 0.95)
    else:
        hem = ankle + _between(generator, -30, 60) * size.scale
        if kind == "leggings" and generator.random() < 0.3:
            hem = _between(generator, 0.3, 0.6) * (knee - ankle) + ankle
    loose = {"leggings": (0, 1), "jeans": (1, 12), "trousers": (6, 26), "shorts": (6, 26)}[kind]
    denim = kind == "jeans" or (kind == "shorts" and generator.random() < 0.3)
    cloth = _denim(generator) if denim else _cloth(generator, bright=0.12)
    if kind == "leggings" or generator.random() < 0.7:
        cloth = replace(cloth, pattern="plain")
    return Layer(Cut("tights", waist, hem, loose=_between(generator, *loose)), cloth)


def _dress(generator: np.random.Generator, size: Measures) -> list[Layer]:
    """One cloth from the shoulders to thigh, knee or calf."""
    cloth = _cloth(generator)
    top = _top(generator, size, woman=True).cut
    waist = size.levels["waist"]
    hem = size.levels["crotch"] + (size.levels["knee"] - size.levels["crotch"]) * _between(generator, 0.5, 1.15)
    upper = replace(top, bottom=waist - 45 * size.scale, loose=min(top.loose, 5.0), offset=5.0)
    skirt = Cut("skirt", waist + 20 * size.scale, hem, offset=5.0, loose=_between(generator, 5, 60))
    return [Layer(skirt, cloth), Layer(upper, cloth)]


def _jacket(generator: np.random.Generator, size: Measures) -> Layer:
    """Jacket, coat or cardigan, open or closed."""
    long = generator.random() < 0.15
    hem = size.levels["crotch"] + _between(generator, *((-330, -150) if long else (-40, 100))) * size.scale
    opening = -1.0 if generator.random() < 0.45 else _between(generator, 5, 70) * size.scale
    sleeve = _between(generator, 0.92, 1.0) * size.whole_arm
    cut = Cut("tights", FAR, hem, sleeve, "collar", opening, 15.0, _between(generator, 8, 26))
    choice = generator.random()
    cloth = _denim(generator) if choice < 0.15 else _cloth(generator, 9.0)
    if choice > 0.85:
        cloth = replace(cloth, colour=_shade(generator, _pick(generator, _LEATHER)), pattern="plain", gloss=0.35)
    return Layer(cut, replace(cloth, pattern="plain" if generator.random() < 0.8 else cloth.pattern))


def _feet(generator: np.random.Generator, size: Measures) -> list[Layer]:
    """Shoes or boots and socks, seldom bare feet."""
    if generator.random() < 0.12:
        return []
    ankle = size.levels["ankle"]
    boots = generator.random() < 0.12
    top = ankle + _between(generator, *((60, 260) if boots else (-28, 25))) * size.scale
    leather = generator.random() < 0.45
    colour = _shade(generator, _pick(generator, _LEATHER if leather else _PLAIN + _PLAIN + _BRIGHT))
    second = _shade(generator, _pick(generator, _PLAIN))
    if leather:
        shoe = Material(colour, second=second, gloss=0.25)
    else:
        sole = ankle - 62 * size.scale
        shoe = Material(linear((0.85, 0.85, 0.83)), second=colour, pattern="two_tone", special=sole)
    layers = [Layer(Cut("tights", top, -10 * FAR, offset=9.0), shoe)]
    if generator.random() < 0.5:
        sock = Material(_shade(generator, _pick(generator, _PLAIN)), fold=2.0, fold_size=120.0)
        high = ankle + _between(generator, 40, 190) * size.scale
        layers.insert(0, Layer(Cut("tights", high, -10 * FAR), sock))
    return layers


def draw_outfit(generator: np.random.Generator, pack: BodyPack, person: Person) -> Outfit:
    """Clothes, skin and hair for a person."""
    size = measure(tailor_of(pack), person)
    woman = person.sex == 0
    layers = _feet(generator, size)
    style = generator.random()
    if woman and style < 0.13:
        layers += _dress(generator, size)
    elif style > 0.965 and person.age_years > 14:
        layers += _swimwear(generator, size, woman=woman)
    else:
        bottom, top = _bottom(generator, size, woman=woman), _top(generator, size, woman=woman)
        tucked = generator.random() < 0.18
        layers += [top, bottom] if tucked and bottom.cut.shell == "tights" and bottom.cut.loose > 1 else [bottom, top]
        if style < 0.42:
            layers.append(_jacket(generator, size))
    tone = float(generator.random()) ** 1.15 * (len(_SKIN) - 1)
    low = _SKIN[int(tone)]
    high = _SKIN[min(int(tone) + 1, len(_SKIN) - 1)]
    colour = np.array(low) + (np.array(high) - low) * (tone % 1) + generator.normal(0, 0.012, 3)
    skin = Material(linear(np.clip(colour, 0, 1)), gloss=float(generator.uniform(0.03, 0.14)), soft=0.35)
    return Outfit(tuple(layers), skin, draw_head(generator, person, tone / (len(_SKIN) - 1)))


def _swimwear(generator: np.random.Generator, size: Measures, *, woman: bool) -> list[Layer]:
    cloth = replace(_cloth(generator, 2.0), gloss=0.1)
    waist, crotch = size.levels["waist"], size.levels["crotch"]
    low = crotch - 15 * size.scale if woman else crotch + (size.levels["knee"] - crotch) * _between(generator, 0.1, 0.8)
    trunks = Layer(Cut("tights", waist - 70 * size.scale, low, loose=0.0 if woman else 10.0), cloth)
    if not woman:
        return [trunks]
    return [trunks, Layer(Cut("tights", FAR, size.levels["chest"] - 10 * size.scale, 0.0, "straps"), cloth)]


def wear(
    pack: BodyPack, dressed: DressedPerson, posed: np.ndarray, number: int, materials: list[Material], *, near: bool
) -> list[Surface]:
    """The surfaces of a posed and dressed person.

    Args:
        pack: where the body is from.
        dressed: who, and in what.
        posed: (V, 3) vertices in the world, mm.
        number: what the person has in the picture of people: 1 for the first.
        materials: the scene's materials; those of the person are added.
        near: whether every face of the skin is worth drawing.
    """
    figure = Figure(tailor_of(pack), dressed.person, posed)
    hidden: np.ndarray | None = None
    surfaces = []
    for layer in reversed(dressed.outfit.layers):
        materials.append(layer.cloth)
        cover = figure.covers(layer.cut)
        seen = cover if hidden is None else np.minimum(cover, UNDER_MM - hidden)
        surfaces.append(garment(layer.cut, figure, seen, len(materials) - 1))
        if layer.cut.shell == "tights":
            hidden = cover if hidden is None else np.maximum(hidden, cover)
    materials.append(dressed.outfit.skin)
    surfaces.append(_skin(figure, skin_tint(dressed.outfit.head, figure), hidden, len(materials) - 1, near=near))
    surfaces += head_surfaces(dressed.outfit.head, figure, materials)
    return [replace(surface, person=number) for surface in surfaces]


def _skin(figure: Figure, tint: np.ndarray, hidden: np.ndarray | None, material: int, *, near: bool) -> Surface:
    """The skin, but for what is well under clothes; ``tint`` (N, 4), ``hidden`` (V,) the cover by them."""
    rows, faces = figure.rows("skin"), figure.tailor.faces["skin"] if near else figure.tailor.coarse_skin
    cover: np.ndarray | float = FAR
    if hidden is not None:
        cover = (14.0 - hidden[rows]).astype(np.float32)
        faces = faces[(cover[faces] > 0).any(1)]
    normal = figure.normals("skin")
    return Surface("skin", figure.posed[rows], normal, faces, figure.size.rest[rows], material, tint, cover)
