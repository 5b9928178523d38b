"""The library's advice in the words of the panels.

Its sentences name commands and options; where a panel has a control that does the same, the person
at the screen is told of that one.
"""

import re

_BUTTONS = {"fetch": "Fetch", "import": "Import file…", "verify": "Verify"}

_IN_MODELS = (
    ("Run the same command again to continue.", "Press Fetch again to continue."),
    (" If the file has moved, give its new address with --url, or use", " Use"),
    (", or another address with --url", ""),
    ("with --name", "under Name"),
    (", or ask for it to be replaced", " under Name"),
    ("Ask for fewer trials", "Ask for fewer pairs"),
)

_NETWORK = re.compile(r"Name it with --architecture: [^.]*\.")
WHERE_NETWORK = "under When importing, Network"
_CHOOSE_NETWORK = f"Choose it below, {WHERE_NETWORK}; whoever made the weights can say which it is."
_COMMAND = re.compile(r"(use |Use |with )?`napari-colorize models (fetch|import|verify)\b[^`]*`")


def in_panel_words(sentence: str, *, in_models: bool = False) -> str:
    """Return a sentence of the library with the panels' controls in the place of commands.

    Parameters
    ----------
    sentence : str
        What an error says.
    in_models : bool
        It is shown in the panel *Models*, whose buttons then need no directions.
    """
    for library, panel in _IN_MODELS:
        sentence = sentence.replace(library, panel)
    sentence = _NETWORK.sub(_CHOOSE_NETWORK, sentence)

    def control(found: re.Match[str]) -> str:
        verb, button = found.group(1) or "", _BUTTONS[found.group(2)]
        if in_models:
            return f"{verb}{button}"
        return f"{verb}Plugins → Colorize → Models, {button}"

    return _COMMAND.sub(control, sentence)
