"""What `make bench` runs: operators, the whole path, memory and cost growth, measured in one run.

Nothing here is part of the installed package. ``python -m bench --help`` (with this folder's parent
on ``PYTHONPATH``) says how to run it; docs/performance.md says what its columns mean.
"""
