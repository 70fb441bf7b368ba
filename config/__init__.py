"""How Redrive is configured, served and started."""

__version__ = "0.2.0"
