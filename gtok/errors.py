"""The exceptions that gtok raises about its inputs."""


class GtokError(ValueError):
    """Something that was given cannot be what it was given as; the message says what and where."""


class BedError(GtokError):
    """A line or a byte stream that is not BED."""


class ConfigError(GtokError):
    """A configuration or a saved tokenizer that cannot be understood or does not fit together."""
