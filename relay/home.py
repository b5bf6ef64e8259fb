"""Home: the directory of app.py, listener.py, gunicorn.conf.py, the templates and the static files."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
#: Of a checkout its root; an installed relay carries a copy (pyproject.toml, package-dir).
HOME = _HERE.parent if (_HERE.parent / "app.py").exists() else _HERE / "project"
