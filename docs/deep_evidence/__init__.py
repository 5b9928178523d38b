"""The parts of ``docs/make_deep_evidence.py``: each measures one thing and prints its table."""
