"""The version, known without asking the package metadata (which costs more than a whole ``--help``)."""

VERSION = "0.1.0"
