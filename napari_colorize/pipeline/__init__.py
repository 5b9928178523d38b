"""From raw values to colour: window, lightness, resampling, refinement, memory."""
