"""The colorization Turing test: can people tell the recoloured picture from the real one?

Zhang, Isola and Efros (2016), section 3.1: real and recoloured picture side by side for one second,
the participant points at the fake. 50 % fooled would be perfect. This is the engine without a
window: :mod:`~napari_colorize.evaluation.turing.stimuli` makes the pairs,
:mod:`~napari_colorize.evaluation.turing.session` asks and remembers,
:mod:`~napari_colorize.evaluation.turing.result` counts.
"""
