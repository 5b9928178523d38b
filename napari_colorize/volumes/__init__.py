"""Volumes, films and plates beyond one machine: OME-Zarr in, OME-Zarr out, after any kill.

``run`` holds the door, ``colorize_zarr``. ``ngff`` reads and describes the format, ``planes`` sees
planes and finishes pieces of them, ``ledger`` says which pieces are done, ``job`` is what all
workers agree on, ``work`` is what one of them does, ``run`` and ``cluster`` send them about,
``finished`` writes the end.
"""
