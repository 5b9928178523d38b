"""How good is the colour? One evaluation for every method, training run and claim.

The parts: :mod:`~napari_colorize.evaluation.metrics` (the numbers),
:mod:`~napari_colorize.evaluation.prior` (how common a colour is),
:mod:`~napari_colorize.evaluation.runner` (grade a method on a collection of pictures),
:mod:`~napari_colorize.evaluation.judges` (does a classifier see more),
:mod:`~napari_colorize.evaluation.turing` (are people fooled) and
:mod:`~napari_colorize.evaluation.report` (one page to read). Nothing heavy is imported until a
part is used.
"""
