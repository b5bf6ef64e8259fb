"""`python -m bench.drills NAME`: runs one drill; exits with 1 if a promise was broken."""

import argparse
import signal
import sys

from bench.drills import __doc__ as about
from bench.drills import faults, frame, leader, opens, read, restart, rolling
from bench.drills.report import Report
from bench.load import raise_file_limit

_DRILLS = {
    module.__name__.rpartition(".")[2]: module
    for module in (leader, restart, rolling, frame, read, faults, opens)
}


def main() -> None:
    """Runs what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.drills", description=about)
    parsers = parser.add_subparsers(required=True, metavar="NAME", dest="name")
    for name, module in _DRILLS.items():
        doc = module.__doc__ or ""
        module.add_options(parsers.add_parser(name, help=doc.split("\n")[0], description=doc))
    options = parser.parse_args()
    # Both end the `with` blocks, and with them every process. A shell starts jobs with SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    raise_file_limit()
    report = Report(options.name)
    try:
        _DRILLS[options.name].run(options, report)
    except KeyboardInterrupt:
        print("interrupted: what follows is what there is so far", file=sys.stderr)
    sys.exit(report.close())


if __name__ == "__main__":
    main()
