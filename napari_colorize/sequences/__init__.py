"""Stacks along z or t: one intensity window for all planes, and colour that holds along the axis.

`parameters` adds the strength to the parameters of a single picture, `planes` reads planes one by
one, `motion` finds where a plane's structure lies in the next one, and `series` joins the
predictions of one run of planes along it. `stack`, `stream`, `lazy` (planes in any order) and
`channels` are the front doors, `record` writes down what was done.
"""
