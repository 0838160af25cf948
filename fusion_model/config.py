"""Every choice of the networks as frozen dataclasses, and the named presets.

A configuration is plain data: :mod:`fusion_model.hub.config_json` writes it and reads it back strictly.
"""

from __future__ import annotations

from dataclasses import dataclass

from fusion_model.skeletons import OUTPUTS, SKELETONS

_PIXEL_CHANNELS = 3
STRATEGIES = ("image-only", "maps-only", "early", "late", "fixed", "free", "trainable")


def _check_multiple(name: str, value: int, unit: int) -> None:
    """Refuse a size that is no positive multiple of its unit."""
    if value < unit or value % unit:
        raise ValueError(f"{name} must be a positive multiple of {unit}, got {value}")


@dataclass(frozen=True)
class HourglassConfig:
    """A stacked hourglass (Newell et al., ECCV 2016).

    Attributes:
        stacks: hourglasses one after another, each supervised.
        width: channels of the hourglasses; the front's narrower layers scale with it.
        input_size: side of the square input in pixels; the maps have a quarter of it. A multiple of 64.
        joints: number of confidence maps.
    """

    stacks: int = 8
    width: int = 256
    input_size: int = 256
    joints: int = 16

    def __post_init__(self) -> None:
        """Refuse sizes that the network cannot have."""
        if self.stacks < 1 or self.joints < 1:
            raise ValueError(f"stacks and joints must be at least 1, got {self.stacks} and {self.joints}")
        _check_multiple("width", self.width, 8)
        _check_multiple("input_size", self.input_size, 64)

    @property
    def map_size(self) -> int:
        """Side of the confidence maps in map pixels."""
        return self.input_size // 4


@dataclass(frozen=True)
class LayerConfig:
    """One layer of a data stream; the same layer of the fusion stream is twice as wide.

    Attributes:
        kind: ``"conv"`` (valid convolution, optional 2x2 max-pooling, ReLU), ``"fc"`` (linear, ReLU) or ``"residual"``
            (its input plus two linear layers, each with ReLU and dropout, as in Martinez et al., ICCV 2017).
        width: output channels or features.
        kernel: side of the convolution; ignored by other kinds.
        pool: whether a 2x2 max-pooling follows the convolution.
        dropout: probability of zeroing an output while training.
    """

    kind: str
    width: int
    kernel: int = 1
    pool: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no layer."""
        if self.kind not in ("conv", "fc", "residual"):
            raise ValueError(f"layer kind must be 'conv', 'fc' or 'residual', got {self.kind!r}")
        if self.width < 1 or self.kernel < 1 or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"layer needs width >= 1, kernel >= 1 and 0 <= dropout < 1, got {self}")


@dataclass(frozen=True)
class FusionConfig:
    """The fusion network (Tekin et al., ICCV 2017, section 3.2 and Figure 3).

    Attributes:
        layers: the mixed layers 1..L of each data stream; the fusion stream adds the output layer L + 1.
        input_size: side of the image and of the confidence maps it takes, in pixels.
        map_joints: channels of the confidence maps.
        skeleton: name of the output joint set, one of :data:`fusion_model.skeletons.OUTPUTS`.
        strategy: one of :data:`STRATEGIES`.
        fixed_beta: the merging layer in 0..L of the strategy ``"fixed"``; None otherwise.
        initial_alpha: alpha of Eq. 3 before training.
        initial_beta: beta of Eq. 3 before training; None means the middle layer (L + 1) / 2. The authors'
            released code starts at 4.6 for L = 7.
        alpha_squared: use the slope alpha**2 in Eq. 3, as the authors' released code does.
        mix_input: also scale the first input by 1 - w_0, as the authors' released code does.
        batch_norm: batch normalisation before every ReLU; the paper has none.
        map_readings: the first fully connected layer that sees the maps, of the map or of the fusion stream, also takes
            position, spread and height of each map's peak (:mod:`fusion_model.readings`); the paper's does not.
        photo_features: channels of the hourglass's features, the image stream's input in place of the photo's pixels;
            0, as in the paper: it sees the pixels.
        spreads: whether the network also says how far off each joint may be; the paper's does not.
        output_unit_mm: millimetres per unit of the last layer's output; the paper regresses millimetres (1).
        merge_after: set by pruning, never by hand: the number b of data layers kept. Fusion layers
            b + 1..L + 1 follow. None for an unpruned network.
    """

    layers: tuple[LayerConfig, ...]
    input_size: int
    map_joints: int = 16
    skeleton: str = "human36m_17"
    strategy: str = "trainable"
    fixed_beta: int | None = None
    initial_alpha: float = 0.1
    initial_beta: float | None = None
    alpha_squared: bool = False
    mix_input: bool = False
    batch_norm: bool = False
    map_readings: bool = False
    photo_features: int = 0
    spreads: bool = False
    output_unit_mm: float = 1.0
    merge_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that mean nothing."""
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy!r}")
        if self.skeleton not in OUTPUTS:
            raise ValueError(f"skeleton must be one of {', '.join(OUTPUTS)}, got {self.skeleton!r}")
        if not self.layers:
            raise ValueError("a fusion network needs at least one layer, got none")
        self._check_layers()
        if self.photo_features < 0:
            raise ValueError(f"photo_features must not be negative, got {self.photo_features}")
        if self.input_size < 1 or self.map_joints < 1 or not self.output_unit_mm > 0:
            raise ValueError(
                "input_size, map_joints and output_unit_mm must be positive, "
                f"got {self.input_size}, {self.map_joints} and {self.output_unit_mm}"
            )
        self._check_merging()

    def _check_layers(self) -> None:
        """Refuse layers in an order that makes no network."""
        kinds = [layer.kind for layer in self.layers]
        found = ", ".join(f"{layer.kind} of {layer.width}" for layer in self.layers)
        if "conv" in kinds[self.first_flat :]:
            raise ValueError(f"convolutions must come before fully connected layers, got {found}")
        for index, layer in enumerate(self.layers):
            before = self.layers[index - 1] if index > self.first_flat else None
            if layer.kind == "residual" and (before is None or before.width != layer.width):
                raise ValueError(f"residual layers must follow a fully connected one of their width, got {found}")
        if self.map_readings and "fc" not in kinds:
            raise ValueError(f"map_readings needs a fully connected layer, got {found}")

    def _check_merging(self) -> None:
        """Refuse merging layers and input weights that the strategy does not have."""
        if self.strategy == "fixed" and self.fixed_beta is None:
            raise ValueError(f"strategy 'fixed' needs fixed_beta, the merging layer, 0..{len(self.layers)}")
        if self.strategy != "fixed" and self.fixed_beta is not None:
            raise ValueError(f"fixed_beta belongs to strategy 'fixed' alone, got it with {self.strategy!r}")
        for name, value in (("fixed_beta", self.fixed_beta), ("merge_after", self.merge_after)):
            if value is not None and not 0 <= value <= len(self.layers):
                raise ValueError(f"{name} must lie in 0..{len(self.layers)}, got {value}")
        if self.merge_after is not None and (self.single_stream or self.merge_after != self.merging_layer):
            raise ValueError(f"merge_after {self.merge_after} contradicts strategy {self.strategy!r}")
        if self.mix_input and self.strategy == "free":
            raise ValueError("mix_input needs w_0 of Eq. 3, which strategy 'free' does not have")

    @property
    def image_channels(self) -> int:
        """Channels of the image stream's input."""
        return self.photo_features or _PIXEL_CHANNELS

    @property
    def first_flat(self) -> int:
        """Number of convolutions, which is the index of the first fully connected layer."""
        return next((index for index, layer in enumerate(self.layers) if layer.kind != "conv"), len(self.layers))

    @property
    def single_stream(self) -> str | None:
        """The strategy's name if it reads the photo or the maps alone, else None."""
        return self.strategy if self.strategy in ("image-only", "maps-only") else None

    @property
    def merging_layer(self) -> int | None:
        """The b of w_l = [l > b] where strategy or pruning has settled it, else None."""
        settled = {"early": 0, "late": len(self.layers), "fixed": self.fixed_beta}
        return settled.get(self.strategy, self.merge_after)

    @property
    def has_soft_weights(self) -> bool:
        """Whether the weights are learnt: two streams, and no merging layer settled."""
        return self.merging_layer is None and not self.single_stream

    @property
    def joints(self) -> int:
        """Number J of 3D joints that the network regresses."""
        return len(SKELETONS[self.skeleton])


@dataclass(frozen=True)
class CropConfig:
    """How a box becomes the network's input.

    Attributes:
        margin: side of the square crop over the longer side of the tight box.
    """

    margin: float = 1.25


@dataclass(frozen=True)
class CalibrationConfig:
    """What validation photos taught about the height of a confidence map's peak.

    Attributes:
        peak: rising heights, the knots of a piecewise linear function: of the peak, less what speaks for other places.
        confidence: the fraction of joints within 0.2 torso lengths at each knot.
        seen: joints of at least this confidence are ``seen``, others ``guessed``.
        rival: how much of the map's height elsewhere (:func:`fusion_model.heatmaps.rival_heights`) is taken from the
            peak's; 0: none, the peak speaks alone.
    """

    peak: tuple[float, ...] = (0.0, 1.0)
    confidence: tuple[float, ...] = (0.0, 1.0)
    seen: float = 0.5
    rival: float = 0.0

    def __post_init__(self) -> None:
        """Refuse knots that make no function."""
        rising = all(a < b for a, b in zip(self.peak, self.peak[1:], strict=False))
        if len(self.peak) != len(self.confidence) or len(self.peak) < 2 or not rising:
            raise ValueError(
                f"calibration needs matching knots with rising peaks, got {self.peak} and {self.confidence}"
            )
        if not all(0 <= value <= 1 for value in self.confidence):
            raise ValueError(f"calibration needs confidences from 0 to 1, got {self.confidence}")
        if not 0 <= self.rival <= 1:
            raise ValueError(f"calibration's rival must lie from 0 to 1, got {self.rival}")


@dataclass(frozen=True)
class FollowingConfig:
    """How far a pose follows its own 2D joints and a person's limbs (:mod:`fusion_model.following`).

    The values are to start from; ``train.calibrate`` fits those of a checkpoint.

    Attributes:
        limbs: share of the way from the network's limb lengths to a person's; above 1 beyond, as shares of the other
            two take some of it back.
        plane: share of the way in x and y to where a joint of confidence 1 is seen.
        depth: share of the way in z to where the limb's length puts it.
        unsure: confidence up to which a 2D joint is not followed.
    """

    limbs: float = 1.1
    plane: float = 1.0
    depth: float = 0.5
    unsure: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0 <= self.limbs <= 1.5 and 0 <= self.plane <= 1 and 0 <= self.depth <= 1 and 0 <= self.unsure < 1):
            raise ValueError(f"following needs limbs from 0 to 1.5 and the others from 0 to 1, got {self}")


@dataclass(frozen=True)
class SpreadConfig:
    """How much larger 3D errors are than the fusion network says, measured by ``train.calibrate``.

    Attributes:
        across: factor in x and in y.
        depth: factor in z.
    """

    across: float
    depth: float

    def __post_init__(self) -> None:
        """Refuse factors that are none."""
        if not (self.across > 0 and self.depth > 0):
            raise ValueError(f"spread needs positive factors, got {self.across} and {self.depth}")


@dataclass(frozen=True)
class DetectorConfig:
    """The network that finds the people of a photo.

    Attributes:
        width: channels of the backbone, which is built as a hourglass's way down. A multiple of 4.
        depths: residual blocks added at 1/8, 1/16, ... of the input's size.
        head: channels of the pyramid that brings the levels together.
        input_size: side of the square that the photo is letterboxed into, in pixels. A multiple of 64.
        min_score: detections below it are dropped.
        nms_iou: IoU from which the less certain of two boxes is dropped (non-maximum suppression).
        max_detections: of one photo, the surest.
    """

    width: int = 128
    depths: tuple[int, ...] = (0, 2, 2, 2)
    head: int = 96
    input_size: int = 256
    min_score: float = 0.2
    nms_iou: float = 0.6
    max_detections: int = 24

    def __post_init__(self) -> None:
        """Refuse sizes that the network cannot have."""
        _check_multiple("detector width", self.width, 4)
        _check_multiple("detector input_size", self.input_size, 64)
        if len(self.depths) != 4 or min(self.depths) < 0 or self.head < 1:
            raise ValueError(f"detector needs four depths and a head of at least 1, got {self.depths}, {self.head}")
        if not (0 < self.min_score < 1 and 0 < self.nms_iou <= 1):
            raise ValueError(
                f"detector min_score and nms_iou must lie between 0 and 1, got {self.min_score} and {self.nms_iou}"
            )

    @property
    def shape(self) -> tuple[int, tuple[int, ...], int]:
        """What the network's tensors depend on."""
        return self.width, self.depths, self.head


@dataclass(frozen=True)
class SearchConfig:
    """How a detection becomes a person (:mod:`fusion_model.detection.search`); RESULTS.md says what chose the values.

    Attributes:
        min_turn: degrees of the body axis below which a crop stays upright, and up to which detector and hourglass
            agree on it. 60: people who sit or lean lose by a turn, those on their head gain.
        misfit: side of the crop round the joints found over that of the crop they came from, or of the latter over the
            former, from which the crop is cut again. 1.2 to 1.7 differ by less than their errors.
        surer: mean joint confidence by which that second crop must exceed the first to count.
        score: bias, and weights of the detector's log odds, of the joints' confidence and of the height over that of
            the photo, in the log odds that a person is there; fitted by ``train.calibrate``.
        box_score: what stands for the detector's score in a box that the caller gave; likewise.
        person: people of a lower score are left out; likewise.
        same_iou: overlap of two boxes from which they are one person if the joints lie together too.
        rival: where one person is wanted, rank of a detection over the best one's from which it gets a crop. 0.3 to
            0.7 choose the same people.
        size_power: of a person's fraction of the photo, in the rank of the people found.
        center_weight: of the squared distance from the middle of the photo, in that rank: photos are aimed.
    """

    min_turn: float = 60.0
    misfit: float = 1.4
    surer: float = 0.03
    score: tuple[float, ...] = (-1.6, 1.0, 4.0, 0.0)
    box_score: float = 0.8
    person: float = 0.5
    same_iou: float = 0.4
    rival: float = 0.5
    size_power: float = 0.6
    center_weight: float = 4.0

    def __post_init__(self) -> None:
        """Refuse what is no score."""
        if len(self.score) != 4 or not (0 < self.box_score < 1 and 0 <= self.person < 1):
            raise ValueError(f"search needs four weights, and box_score and person between 0 and 1, got {self}")


@dataclass(frozen=True)
class ModelConfig:
    """Hourglass, fusion network and what stands between photo and joints.

    Attributes:
        hourglass: makes the confidence maps.
        fusion: regresses the 3D joints.
        crop: how a box becomes a crop.
        calibration: what peaks are worth.
        search: how people are searched for in a whole photo.
        detector: finds the people of a photo; without one, the hourglass's maps of the whole photo do.
        following: corrects the 3D by the 2D joints; None leaves it as the network puts it out.
        spread: how far the 3D may be off; None where that was not measured.
    """

    hourglass: HourglassConfig
    fusion: FusionConfig
    crop: CropConfig = CropConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    search: SearchConfig = SearchConfig()
    detector: DetectorConfig | None = None
    following: FollowingConfig | None = None
    spread: SpreadConfig | None = None

    def __post_init__(self) -> None:
        """Refuse networks that do not fit together."""
        if self.hourglass.joints != self.fusion.map_joints:
            given, taken = self.hourglass.joints, self.fusion.map_joints
            raise ValueError(f"the hourglass gives {given} maps but the fusion network takes {taken}")
        if self.fusion.photo_features not in (0, self.hourglass.width):
            given, taken = self.hourglass.width, self.fusion.photo_features
            raise ValueError(f"the hourglass has {given} channels of features but the fusion network takes {taken}")
