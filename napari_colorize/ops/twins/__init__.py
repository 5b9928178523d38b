"""Every operator in plain torch: the definition of right, and what serves without a compiler.

Twins need torch alone. They are bound to the operators' schemas by
:mod:`napari_colorize.ops.library`; call them through :mod:`napari_colorize.ops`.
"""
