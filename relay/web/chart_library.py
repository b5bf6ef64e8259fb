"""Chart library: the file of Lightweight Charts, which the page of a symbol draws with.

The package that carries it also has Python, of which nothing is imported: only its file is found.
"""

import logging
from importlib import metadata
from pathlib import Path

PACKAGE = "litecharts"
FILE = "litecharts/js/lightweight-charts.js"
#: What it is called among the files of static/.
NAME = "lightweight-charts.js"

log = logging.getLogger(__name__)


def chart_library(package: str = PACKAGE) -> dict[str, bytes]:
    """The file's content under its name; nothing where it cannot be had."""
    try:
        path = Path(str(metadata.distribution(package).locate_file(FILE)))
        return {NAME: path.read_bytes()}
    except (metadata.PackageNotFoundError, OSError) as error:
        log.warning("pages have no charts: %s of %s cannot be read: %r", FILE, package, error)
        return {}
