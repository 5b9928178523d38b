"""What the user set in napari, read anew at every run: Preferences → Colorize, and rendering."""

from dataclasses import dataclass, fields

from napari_colorize.parameters import ColorizeParameters

PLUGIN = "napari-colorize"
SECTION = "colorize"
"""Key of the page in ``napari.yaml``."""

PREDICTED = "predicted"
"""Every name of a coloured layer has this word: nobody must take it for a measurement."""


@dataclass(frozen=True)
class Preferences:
    """Settings of this machine and this user, not of one picture.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:1", "cuda:2", "cuda:3"}
        Where to colour; ``"auto"``: a CUDA device where there is one.
    memory_limit : float
        Most memory, in GiB, that the layers of one result may take; 0: what is free.
    threads : int
        Processor threads that colour; 0: PyTorch's own choice.
    dtype : {"uint8", "uint16", "float32"}
        Of the coloured layer.
    layer_name : str
        Name of the coloured layer; ``{name}`` is the source's, ``{method}`` the method. What it is
        comes first: napari's list of layers cuts long names in the middle.
    """

    device: str = "auto"
    memory_limit: float = 0.0
    threads: int = 0
    dtype: str = "uint8"
    layer_name: str = "predicted colour of {name} ({method})"

    def applied_to(self, parameters: ColorizeParameters) -> ColorizeParameters:
        """Return the parameters on this device and with this type of result."""
        return parameters.changed(device=self.device, dtype=self.dtype)

    def name_of(self, source: str, method: str) -> str:
        """Return the name of a coloured layer; it always says that the colour is predicted."""
        template = self.layer_name if "{name}" in self.layer_name else Preferences.layer_name
        if PREDICTED not in template.lower():
            template += " (predicted colour)"
        # In one pass: a source may well be called "{method}".
        before, _, after = template.partition("{name}")
        return f"{before.replace('{method}', method)}{source}{after.replace('{method}', method)}"

    def memory_for_results(self) -> int:
        """Return how many bytes the layers of a result may take."""
        import psutil  # a dependency of napari

        free = int(psutil.virtual_memory().available)
        return min(free, int(self.memory_limit * 2**30)) if self.memory_limit > 0 else free


def preferences() -> Preferences:
    """Return what is set now; defaults in a napari that has no settings of plugins (before 0.9)."""
    try:
        from napari.settings import get_plugin_settings

        page = getattr(get_plugin_settings(PLUGIN), SECTION)
    except (ImportError, KeyError, AttributeError):
        return Preferences()
    return Preferences(**{field.name: getattr(page, field.name) for field in fields(Preferences)})


def window_waits() -> bool:
    """Return whether napari asks for planes in its main thread, and waits for them."""
    from napari.settings import get_settings

    return not get_settings().experimental.async_


def render_in_background() -> None:
    """Have napari ask for planes in a thread of its own, from now on and in later sessions."""
    from napari.settings import get_settings

    get_settings().experimental.async_ = True
