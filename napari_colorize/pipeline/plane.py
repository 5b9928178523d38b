"""One plane from raw values to colour: see → predict → finish. Pictures and stacks go this way.

:meth:`PlaneColorizer.see` reads the lightness and brings it to the network's size,
:meth:`PlaneColorizer.predict` asks the network, and a guide where there is one, and
:meth:`PlaneColorizer.finish` lays the chroma under the full-size lightness. Where memory runs out
the work is made smaller, here and nowhere else; the sentences that say so travel with the result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import Plane, read_plane
from napari_colorize.pipeline.network import Prediction, predict
from napari_colorize.pipeline.refine import full_size_map, full_size_rgb, with_alpha
from napari_colorize.pipeline.resample import network_shape

Guide = Callable[[Plane, NDArray[np.float32], Prediction], Prediction]
"""``guide(plane, seen, prediction)`` returns what is to be laid under the plane's lightness instead
of what the network predicted: of any size (h, w), with facts for the record. ``seen`` is the L* at
the size at which the network saw it. The prediction that is given stays as it is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ColouredPlane:
    """One coloured plane, and all that its record says.

    Parameters
    ----------
    plane : Plane
        As it was read.
    network_shape : (int, int) or None
        Size at which the network saw it; without a network, none.
    rgb : (H, W, 3 or 4) array
        Of ``parameters.dtype``; the fourth channel is the input's alpha.
    uncertainty : (H, W) float32 array
        0…1.
    clipped : (H, W) bool array
        See :mod:`napari_colorize.pipeline.clipped`.
    moved_share : float
        Share of colours that were moved into sRGB, next to black and white too, 0…1.
    parameters : ColorizeParameters
        As used: defaults resolved, the device that did the work.
    checkpoint : checkpoints.CheckpointRecord or None
        Of the weights, where there are any.
    memory : tuple of str
        What was done instead where memory ran out; empty where it did not.
    facts : mapping
        What a guide adds to the record.
    """

    plane: Plane
    network_shape: tuple[int, int] | None
    rgb: NDArray[Any]
    uncertainty: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    moved_share: float
    parameters: ColorizeParameters
    checkpoint: Any
    memory: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class PlaneColorizer:
    """Colours planes one by one with the same parameters and weights.

    Once the device's memory has run out for the network, it stays on the CPU.

    Parameters
    ----------
    model : checkpoints.LoadedModel
        ``graph`` and ``record``.
    used : ColorizeParameters
        Resolved, with the device named; see :func:`napari_colorize.pipeline.network.load_model`.
    window_mode : {"automatic", "explicit"}, optional
        Who chose ``used.window``; by default the user, where there is one.
    guide : callable, optional
        May change each prediction before it is finished; see ``Guide``.

    Attributes
    ----------
    used : ColorizeParameters
        With the device on which the network runs now.
    """

    def __init__(
        self,
        model: Any,
        used: ColorizeParameters,
        *,
        window_mode: str | None = None,
        guide: Guide | None = None,
    ) -> None:
        self.used = used
        self.checkpoint = model.record
        self._graph = model.graph
        self._window_mode = window_mode
        self._guide = guide
        self._said: set[str] = set()

    def see(self, image: Any) -> Plane:
        """Read a picture's lightness by the window and gamma in use.

        Parameters
        ----------
        image : array-like
            As :func:`napari_colorize.colorize` takes it.

        Raises
        ------
        TypeError, ValueError, MemoryError
            It is no picture, or memory ran out.
        """
        with memory.explained("reading lightness", image, "cpu"):
            return read_plane(image, self.used.window, self.used.gamma, self._window_mode)

    def shown_to_the_network(self, plane: Plane) -> NDArray[np.float32]:
        """Return the plane's L* (0…100) at the size at which the network sees it, (h', w')."""
        assert self.used.network_size is not None, "parameters are resolved"
        with memory.explained("reading lightness", plane, "cpu"):
            height, width = plane.luma.shape
            return plane.lightness_at(network_shape(height, width, self.used.network_size))

    def predict(
        self, plane: Plane, seen: NDArray[np.float32]
    ) -> tuple[Prediction, tuple[str, ...]]:
        """Predict a plane's chroma, on the CPU where the device's memory runs out.

        Parameters
        ----------
        plane : Plane
            From :meth:`see`.
        seen : (h', w') float32 array
            From :meth:`shown_to_the_network`.

        Returns
        -------
        prediction : Prediction
        said : tuple of str
            What was done instead where memory ran out.

        Raises
        ------
        MemoryError, RuntimeError
            Memory ran out on the CPU too, or the network returned values that are not finite.
        """
        with memory.explained("predicting colour", plane, self.used.device):
            (chroma, uncertainty), said = self._predicted(seen)
            prediction = Prediction(chroma, uncertainty)
            if self._guide is not None:
                prediction = self._guide(plane, seen, prediction)
            return prediction, said

    def finish(
        self,
        plane: Plane,
        seen: NDArray[np.float32],
        prediction: Prediction,
        tick: Callable[[float], None] = lambda share: None,
        said: tuple[str, ...] = (),
    ) -> ColouredPlane:
        """Lay predicted chroma under a plane's own lightness.

        Parameters
        ----------
        plane : Plane
            The picture, or the same field at another resolution than the one predicted from.
        seen : (h', w') float32 array
            L*, 0…100, that the network saw.
        prediction : Prediction
        tick : callable, optional
            Told the share of the refinement that is done, 0…1; may raise to stop.
        said : tuple of str
            From :meth:`predict`.

        Raises
        ------
        MemoryError
            Memory ran out in every way of doing it.
        """
        heard = list(said)
        with memory.explained("refining", plane, self.used.device):
            rgb, moved = full_size_rgb(
                plane, seen, prediction.chroma, self.used, tick, heard.append
            )
            tick(0.8)  # what follows takes seconds of hundreds of megapixels, and may be unwanted
            moved_share = np.count_nonzero(moved) / moved.size
            clipped = clipped_colours(moved, plane)
            tick(0.9)
            coloured = ColouredPlane(
                plane=plane,
                network_shape=(int(seen.shape[0]), int(seen.shape[1])),
                clipped=clipped,
                rgb=with_alpha(rgb, plane.alpha),
                uncertainty=full_size_map(prediction.uncertainty, plane.luma.shape),
                moved_share=moved_share,
                parameters=self.used,
                checkpoint=self.checkpoint,
                memory=tuple(heard),
                facts=prediction.facts,
            )
        self._warn_once(heard)
        return coloured

    def _predicted(self, seen: NDArray[np.float32]) -> tuple[Any, tuple[str, ...]]:
        device = self.used.device
        try:
            return predict(self._graph, seen, self.used), ()
        except Exception as error:
            if device == "cpu" or not memory.ran_out(error):
                raise
        memory.release()  # after the error and its frames, which held what took the memory
        assert self.used.checkpoint is not None, "parameters are resolved"
        self._graph = checkpoints.load(self.used.checkpoint, "cpu").graph
        self.used = self.used.changed(device="cpu")
        said = f"Memory ran out on {device}; the network ran on the CPU instead."
        return predict(self._graph, seen, self.used), (said,)

    def _warn_once(self, sentences: list[str]) -> None:
        """Warn of what has not been said yet of these planes, in one warning."""
        new = [sentence for sentence in sentences if sentence not in self._said]
        self._said.update(new)
        if new:
            memory.tell(" ".join(new))
