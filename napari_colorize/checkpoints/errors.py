"""What can go wrong with weights, told as sentences."""


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or does not fit; the message says what to do."""


class DownloadError(CheckpointError):
    """A download failed; what was already received is kept when it can be continued."""


class DownloadCancelled(DownloadError):
    """The caller asked a download to stop."""
