"""`python -m bench.path`: walks the stranger's path, prints a table, and exits with 1 if a step failed.

It clones the newest commit into a temporary folder, and everything below is run from there: the README's
commands, then each deployment with an exchange that is simulated. What cannot be run here is named.
"""

import argparse
import json
import re
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.balancer import NAMES, PROGRAMS
from bench.drills.programs import Simulator
from bench.feed import RedisServer
from bench.load import raise_file_limit
from bench.path import files, packages
from bench.path.journal import Journal, Step
from bench.path.stage import Stage, price_at, shell
from bench.process import ROOT, Process, free_port

#: What each test file of the second command proves here, and the list in it that is to be counted.
_TESTS = {
    "each failure fires its alert in promtool": ("test_prometheus", "FAILURES"),
    "relay check names what is planted": ("test_check", "PLANTED"),
    "systemd understands the units": ("test_deploy", "UNITS"),
}


def main() -> None:
    """Walks it."""
    parser = argparse.ArgumentParser(prog="python -m bench.path", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000, help="of the rolling restart (1000)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise_file_limit()
    journal = Journal()
    with ExitStack() as stack:
        try:
            _Path(stack, journal).walk(options.clients)
        except KeyboardInterrupt:
            print("interrupted: what follows is what there is so far", file=sys.stderr)
    sys.exit(journal.close())


class _Path:
    def __init__(self, stack: ExitStack, journal: Journal) -> None:
        self._journal = journal
        self._home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-path-")))
        self._clone = self._home / "relay"
        server = stack.enter_context(RedisServer())
        exchange = stack.enter_context(Simulator("--symbols", "50", "--activity", "1"))
        self._stage = Stage(server, exchange, self._home)

    def walk(self, clients: int) -> None:
        """Step by step."""
        step = self._journal.step
        with step("git clone") as seen:
            seen.saw(packages.clone(ROOT, self._clone))
        with step("make run, its environment") as seen:
            packages.run(["make", ".venv/.run"], self._clone)
            seen.saw(packages.megabytes(self._clone / ".venv"))
        with step("make run") as seen:
            self._make_run(seen)
        with step("README, with Redis") as seen:
            self._stage.renew()
            commands = files.readme(self._clone, self._stage.port)
            self._stage.try_out(seen, commands, self._clone, **self._own_path())
        with step("Procfile") as seen:
            self._stage.renew()
            commands = files.procfile(self._clone)
            self._stage.try_out(seen, commands, self._clone, **self._own_path())
        self._image()
        self._pm2()
        with step(f"rolling restart under {clients} clients, HAProxy") as seen:
            self._restart(seen, clients)
        self._tests()
        self._journal.leave_out("a container engine, systemd and a cluster: there is none here")
        for program in sorted(NAMES - set(PROGRAMS)):
            self._journal.leave_out(f"{program}, which is not installed")

    def _make_run(self, seen: Step) -> None:
        """As it stands there: Binance, or the simulated market where that cannot be reached."""
        port = free_port()
        with shell("make run", self._clone, PORT=str(port)) as server:
            seen.saw(
                f"first price {self._stage.wait_for(lambda: bool(price_at(port)), server):.1f} s"
            )
            said = server.output()
        seen.saw("simulated" if "SIMULATED" in said else "live")

    def _image(self) -> None:
        """The Dockerfile's steps in a fresh environment; the units' commands are run from that too."""
        prefix, source = self._home / "opt-relay", self._home / "src"
        image = files.image(self._clone, prefix, source)
        with self._journal.step("Dockerfile, its steps") as seen:
            packages.run(["git", "clone", "--quiet", str(self._clone), str(source)], self._home)
            for command in image.steps:
                packages.run(["sh", "-c", command], self._home)
            seen.saw(packages.megabytes(prefix))
        env = image.env | {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOST": "127.0.0.1"}
        with self._journal.step("Dockerfile, both roles") as seen:
            self._stage.renew()
            env["PORT"] = str(self._stage.port)
            self._stage.try_out(seen, image.commands, self._home, **env)
        with self._journal.step("systemd, the units' commands") as seen:
            self._stage.renew()
            self._stage.try_out(seen, files.units(self._clone, prefix), self._home)
        self._journal.leave_out(f"of the Dockerfile: {', '.join(image.left_out)}, COPY, USER")

    def _pm2(self) -> None:
        with self._journal.step("PM2, from npm") as seen:
            program = packages.pm2(self._home / "pm2")
            if program is None:
                self._journal.leave_out("PM2: there is no npm here")
                return
            seen.saw(packages.megabytes(self._home / "pm2"))
        with self._journal.step("PM2, both roles") as seen:
            self._stage.renew()
            env = self._stage.settings(PM2_HOME=str(self._home / "pm2-home"))
            with Process(
                [str(program), "start", "--no-daemon", "ecosystem.config.js"], self._clone, **env
            ) as keeper:
                listener = self._stage.wait_for_listener(keeper)
                web = listener + self._stage.wait_for_web(keeper)
                seen.saw(
                    f"listener's first price {listener:.1f} s, web's {web:.1f} s, PM2's start in it"
                )
                self._stage.look_through_proxies(seen)
                packages.run([str(program), "reload", "relay-web"], self._clone, **env)
                self._stage.wait_for_web(keeper)
                seen.saw("reloaded")
                packages.run([str(program), "delete", "all"], self._clone, **env)
                packages.run([str(program), "kill"], self._clone, **env)

    def _restart(self, seen: Step, clients: int) -> None:
        said = self._python(
            "-m", "bench.drills", "rolling", "--programs", "haproxy", "--clients", str(clients)
        )
        for line in re.findall(r'^\{"program".*$', said, re.M):
            row = json.loads(line)
            seen.saw(
                f"{row['how']}: {row['sent_away']} sent away, resumes {row['resumes']}, "
                f"{row['lacking']} lack an update, answers {row['answers']}"
            )

    def _tests(self) -> None:
        """The README's second command, for these of the tests."""
        with self._journal.step("make test, its environment"):
            packages.run(["make", ".venv/.test"], self._clone)
        for what, (name, planted) in _TESTS.items():
            with self._journal.step(f"make test: {what}") as seen:
                wanted = f"-n2 -rs tests/{name}.py"
                said = packages.run(["make", "test"], self._clone, PYTEST_ADDOPTS=wanted)
                count = f"from tests.{name} import {planted}; print(len({planted}))"
                seen.saw(f"{planted}: {self._python('-c', count).strip()}")
                seen.saw(re.findall(r"^.*\d+ (?:passed|skipped).*$", said, re.M)[-1])
        self._journal.leave_out("the rest of `make test`, and `make test-long`")

    def _python(self, *arguments: str) -> str:
        """What the clone's own Python says."""
        return packages.run([str(self._clone / ".venv/bin/python"), *arguments], self._clone)

    def _own_path(self) -> dict[str, str]:
        """So that `python` and `gunicorn` are those of the clone's environment."""
        return {"PATH": f"{self._clone}/.venv/bin:/usr/sbin:/usr/bin:/bin"}


if __name__ == "__main__":
    main()
