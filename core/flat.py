"""The flat map that was trained along with a model: from an embedding to a place. Whoever trains needs torch, not this.

It is no more than a small network over embeddings: along two directions, and bent (see core.learner.Layout). Its
weights lie beside those of the model, and what it has learnt from is said in the meta of the run that made both.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf

from core.artifacts import META
from core.encoders import EncoderSpec, file_hash
from core.errors import N_, UserError
from core.parallel import one_thread_products
from core.principal import PIECE, pieces
from core.projection import METHODS, Head, Method
from core.series import Floats

LAYOUT = "layout.safetensors"  # in the folder of a run


def is_there(encoder: EncoderSpec) -> bool:
    """Whether a map was trained along with this model."""
    folder = encoder.folder()
    return folder is not None and (folder / LAYOUT).is_file() and (folder / META).is_file()


def refusal(encoder: EncoderSpec) -> UserError | None:
    """Why an encoder's vectors cannot be drawn by a map of its own; None: they can.

    The map knows what it was trained on: the mean over the channels of the training, and nothing beside it.
    """
    if not is_there(encoder):
        return UserError(
            N_("No map was trained along with this model."),
            N_("Choose a model that was trained with “and a flat map of its own”, or another way of drawing."),
        )
    if encoder.side:
        return UserError(
            N_("The map that was trained along with this model knows nothing of level, size and changes."),
            N_("Leave these out under “Model”, or choose another way of drawing."),
        )
    if encoder.adapt:
        return UserError(
            N_("The map that was trained along with this model knows lines or sites as they are."),
            N_("Choose “as they are” under “Lines or sites”, or another way of drawing."),
        )
    return _of_channels(encoder)


def _of_channels(encoder: EncoderSpec) -> UserError | None:
    learnt = json.loads((_folder(encoder) / META).read_text(encoding="utf-8"))["spec"]["encoder"]["channel"]
    if encoder.channel == learnt and (learnt or encoder.join == "mean"):
        return None
    problem = N_("The map that was trained along with this model has learnt from other channels.")
    if not learnt:
        remedy = N_("Choose “all, as their mean” under “Channels for the model”, or another way of drawing.")
        return UserError(problem, remedy)
    remedy = N_("Choose “{channel}” under “Channels for the model”, or another way of drawing.")
    return UserError(problem, remedy, channel=learnt)


def methods_of(encoder: EncoderSpec) -> tuple[Method, ...]:
    """Ways of drawing that there are for an encoder's vectors."""
    return METHODS if refusal(encoder) is not None else (*METHODS, "trained")


def identity(encoder: EncoderSpec) -> str:
    """SHA-256 of the map's weights, which those of the model do not tell.

    Raises:
        UserError: see `refusal`.
    """
    return file_hash(_checked(encoder) / LAYOUT)


def head_of(encoder: EncoderSpec) -> Head:
    """The map, to be applied to vectors (n, d) of this encoder; likewise."""
    return partial(placed, _checked(encoder))


def placed(folder: Path, vectors: NDArray[np.floating]) -> Floats:
    """(n, 2) places of windows on the map in a folder.

    Args:
        vectors: (n, d_model), what the model in that folder makes of them, mean over channels.
    """
    own = {name: value.astype(np.float64) for name, value in load_file(folder / LAYOUT).items()}
    xy = np.zeros((len(vectors), 2))
    for i, piece in enumerate(pieces(vectors)):
        with one_thread_products():
            x = (piece - own["centre"]) / own["spread"]
            inner = _gelu(x @ own["bent.0.weight"].T + own["bent.0.bias"])
            bent = inner @ own["bent.2.weight"].T + own["bent.2.bias"]
            xy[i * PIECE : (i + 1) * PIECE] = x @ own["along.weight"].T + bent
    return xy


def _gelu(x: Floats) -> Floats:
    """Source: Hendrycks & Gimpel 2016, "Gaussian error linear units", the exact form."""
    return np.asarray(x * (1 + erf(x / np.sqrt(2))) / 2)


def _checked(encoder: EncoderSpec) -> Path:
    """The folder of a map that the encoder's vectors can be drawn by; likewise."""
    refused = refusal(encoder)
    if refused is not None:
        raise refused
    return _folder(encoder)


def _folder(encoder: EncoderSpec) -> Path:
    folder = encoder.folder()
    assert folder is not None  # noqa: S101 — `is_there` saw to it
    return folder
