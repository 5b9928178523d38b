"""Stacks along z or t: one intensity window for all planes, and colour that holds along the axis.

`parameters` adds the strength to the parameters of a single picture, `planes` reads planes one by
one, `window` chooses what is black and white in all of them, `motion` finds where a plane's
structure lies in the next one, `smoothing` says how far a plane's neighbours speak for its colour,
and `series` does it for one run of planes. `stack`, `stream`, `lazy` and `channels` are the front
doors, `on_demand` gives lazy planes in any order, `record` writes down what was done.
"""
