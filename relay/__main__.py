"""`python -m relay ROLE`, and `relay ROLE` where it is installed: starts one of the relay's programs."""

import os
import runpy
import sys

from relay import __version__
from relay.home import HOME

_USAGE = """usage: relay ROLE [options]
       relay --help | --version

  web        the web side: gunicorn with the relay's settings; options are gunicorn's
  listener   the feed side: reads the exchange and writes to Redis
  simulator  a Binance-shaped exchange on this machine
  check      says what the configuration would do, and what is wrong with it
"""


def main() -> None:
    """Ends with the role's exit code; 2 for one that there is not."""
    role, options = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    sys.argv = [f"relay {role}", *options]
    if role == "web":
        serve(options)
    elif role == "listener":
        runpy.run_path(str(HOME / "listener.py"), run_name="__main__")
    elif role in ("simulator", "check"):
        runpy.run_module(f"relay.{role}", run_name="__main__", alter_sys=True)
    elif role in ("-h", "--help"):
        print(_USAGE, end="")
    elif role == "--version":
        print(f"relay {__version__}")
    else:
        wrong = f"relay: there is no role {role!r}\n" if role else ""
        print(_USAGE, wrong, sep="", end="", file=sys.stderr)
        sys.exit(2)


def serve(options: list[str]) -> None:
    """Becomes gunicorn with the relay's settings, wherever it was started. Does not return."""
    if not (os.environ.get("WEB_CONCURRENCY") or "1").strip().isdecimal():
        # gunicorn itself ends with a traceback, and 1.
        print("WEB_CONCURRENCY is wrong: it is the number of workers.", file=sys.stderr)
        sys.exit(2)
    settings = ["-c", str(HOME / "gunicorn.conf.py")]
    # The application stands before all: what else is no option is then refused, not taken for another one.
    command = [sys.executable, "-m", "gunicorn", "app:app", *settings, *options]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
