"""detect: boxes around the objects that a detection network finds."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from common.errors import ModelUnavailable
from common.settings import Settings
from common.tasks.detect import CONTRACT, PRIVATE
from engine.decoding.decoder import Decoder, open_decoder
from engine.detections import yolox
from engine.detections.boxes import Candidates, DetectedObject, objects_of, suppress
from engine.detections.formats import FORMATS
from engine.models.catalogue import LETTERBOX, Manifest
from engine.models.class_names import Category, read_categories
from engine.models.letterbox import Frame, Letterboxed, decode_letterboxed
from engine.models.loader import Model, load

# How the outputs of a model are read, by the `decoder` in its manifest.
Decode = Callable[[Sequence[NDArray[Any]], int, float], Candidates]
DECODERS: dict[str, Decode] = {"yolox": yolox.decode}


class DetectRunner:
    """A session of the detection network with the names of its classes."""

    def __init__(self, model: Model, categories: Sequence[Category], decoder: Decoder):
        manifest = model.manifest
        self.model = manifest.identity
        self.batches = model.batches
        self._decode = decode_of(manifest)
        self._session = model.session()
        self._categories = categories
        self._decoder = decoder
        self._side = manifest.input.side
        self._fit = manifest.fit

    def prepare(self, data: bytes, params: dict[str, Any]) -> Letterboxed:
        """Return the whole image, upright, with its own aspect ratio."""
        return decode_letterboxed(self._decoder, data, self._side, self._fit.fill, self._fit.place)

    def run(
        self, prepared: Sequence[Letterboxed], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the objects of each image in the format of its params."""
        outputs = self._session.run_all([[item.pixels] for item in prepared])
        return [
            self._answer(each, item.frame, options)
            for each, item, options in zip(outputs, prepared, params, strict=True)
        ]

    def _answer(
        self, outputs: Sequence[NDArray[Any]], frame: Frame, options: dict[str, Any]
    ) -> dict[str, Any]:
        candidates = suppress(self._decode(outputs, self._side, options["threshold"]))
        found = objects_of(candidates, frame, self._categories, options["max_objects"])
        rendered = FORMATS[options["format"]](found, frame.width, frame.height)
        size = {"width": frame.width, "height": frame.height}
        return size | rendered | {PRIVATE: best_scores(found)}


def best_scores(found: Sequence[DetectedObject]) -> list[tuple[str, float]]:
    """Return each label with its highest score; the objects are ordered by score."""
    scores: dict[str, float] = {}
    for each in found:
        scores.setdefault(each.category.name, each.score)
    return list(scores.items())


def decode_of(manifest: Manifest) -> Decode:
    """Return the decoder of the model; raises ModelUnavailable for one that does not exist here, or
    for a model whose input is not a letterbox.
    """
    decode = DECODERS.get(manifest.decoder)
    if decode is None or manifest.fit.kind != LETTERBOX:
        raise ModelUnavailable(
            f"{manifest.folder} cannot be used: `decoder` in its model.json must be one of "
            f"{', '.join(DECODERS)}, and the kind of its `fit` {LETTERBOX}."
        )
    return decode


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> DetectRunner:
    """Load the default model or the one with this reference, and its labels; raises
    ModelUnavailable.
    """
    chosen = load(CONTRACT.name, settings.model_dir, model, settings.onnx_providers)
    categories = read_categories(chosen.manifest, settings.model_dir)
    return DetectRunner(chosen, categories, decoder or open_decoder(settings))
