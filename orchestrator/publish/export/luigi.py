"""Luigi tasks: one class, done when the history of runs says so, and a `main` that ends with the right exit code."""

from __future__ import annotations

from orchestrator.core.portion import Flow
from orchestrator.publish.export.python import identity, parts
from orchestrator.publish.export.words import filled, quoted, told

TEMPLATE = '''"""@TITLE@, for Luigi. Written by `orc export luigi`: change the project, and write it again.

    python @FILE@ --run-key 2026-01-31        all tasks that the history does not call done under this key
    python @FILE@ --run-key 2026-01-31 --workers @WIDTH@ --scheduler localhost:8082

The exit code is 0 when all is done, @FAILED@ when a task failed and @MISSING@ when tasks could not run. (`luigi --module` exits 0 whatever
happens, unless luigi.cfg says otherwise: the one beside this file does.) Luigi starts nothing by itself:@WHEN@

ORC_PROJECT_DIR says where the project is, ORC_COMMAND how to call orc (default: orc).
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import luigi

ORC = shlex.split(os.environ.get("ORC_COMMAND", "orc"))
PROJECT = @PROJECT@
FLOW = @FLOW@
WORDS = @WORDS@

TASKS = {
    # task: (what orc calls it, the tasks it needs, a digest of those, retries, seconds between them, growing, at most)
@TASKS@}
@RUNNING@

KNOWN = {}


def trigger(key: str) -> str:
    """What the history calls a run of this flow."""
    return f"luigi:{FLOW}/{key}"


def done(key: str) -> set:
    """What orc calls the tasks whose newest run under a key has passed. Each process asks once: what it does itself, it adds."""
    if (os.getpid(), key) not in KNOWN:
        command = [*ORC, "runs", "--trigger", trigger(key), "--limit", "1000000", "--output", "json", "--project-dir", str(PROJECT)]
        runs = json.loads(subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)
        newest = {}
        for run in runs:  # newest first
            if run["trigger"] == trigger(key):
                newest.setdefault(run["arguments"].get("portion"), run["status"])
        KNOWN[os.getpid(), key] = {portion for portion, status in newest.items() if status == "passed"}
    return KNOWN[os.getpid(), key]


class Failed(Exception):
    """A task failed; its lines in the log, and `orc runs`, say why."""


class Portion(luigi.Task):
    """A task of the project."""

    name = luigi.Parameter()
    run_key = luigi.Parameter()
    task_namespace = FLOW
    retry_count = 1  # it tries again by itself, and only what may pass

    @property
    def resources(self):
        return @RESOURCES@

    def requires(self):
        return [Portion(name=name, run_key=self.run_key) for name in TASKS[self.name][1]]

    def complete(self):
        return TASKS[self.name][0] in done(self.run_key)

    def run(self):
        key, _, _, retries, delay, grows, most = TASKS[self.name]
        for number in range(retries + 1):
            code = orc(self.name, trigger(self.run_key), say=lambda line: print(line, file=sys.stderr, flush=True))
            if code == 0:
                done(self.run_key).add(key)
                return
            if code != @AGAIN@ or number == retries:
                raise Failed(f"{self.name}: exit code {code}")
            time.sleep(min(delay * 2**number, most) if grows else delay)


class All(luigi.WrapperTask):
    """The whole flow."""

    run_key = luigi.Parameter()
    task_namespace = FLOW

    def requires(self):
        return [Portion(name=name, run_key=self.run_key) for name in TASKS]


def main() -> int:
    """Do what is missing; returns the exit code."""
    given = argparse.ArgumentParser(description=@DESCRIPTION@)
    given.add_argument("--run-key", default=datetime.now(timezone.utc).strftime("%Y-%m-%d"), help="names the run (default: today)")
    given.add_argument("--workers", type=int, default=@WIDTH@)
    given.add_argument("--scheduler", metavar="HOST:PORT", help="a luigid (default: none)")
    asked = given.parse_args()
    host, _, port = (asked.scheduler or "").partition(":")
    central = {"scheduler_host": host, "scheduler_port": int(port or 8082)} if host else {"local_scheduler": True}
    ended = luigi.build([All(run_key=asked.run_key)], workers=asked.workers, detailed_summary=True, **central)
    print(ended.summary_text, file=sys.stderr)
    if ended.scheduling_succeeded and "fail" not in ended.status.name.lower():
        return 0 if "SUCCESS" in ended.status.name else @MISSING@
    return @FAILED@


if __name__ == "__main__":
    sys.exit(main())
'''

CONFIG = """; How `luigi --module {module} {name}.All --run-key ...` ends: without this it exits 0 whatever happened.
[retcode]
already_running=10
missing_data=20
not_run=25
task_failed=30
scheduling_error=35
unhandled_exception=40
"""


def luigi(flow: Flow) -> dict[str, str]:
    """The tasks' file, the configuration that makes failures exit codes, and a crontab where there is a schedule."""
    name = identity(flow)
    found = filled(
        TEMPLATE,
        {
            **parts(flow, "luigi"),
            "FILE": f"{name}.py",
            "FAILED": "30",
            "MISSING": "25",
            "RESOURCES": f"{{{quoted(f'orc_{name}')}: 1}}" if flow.alone else "{}",
            "WHEN": f" {name}.crontab has its times." if flow.timing.crons else " a crontab line of yours does.",
        },
    )
    files = {f"{name}.py": found, "luigi.cfg": CONFIG.format(module=name, name=name)}
    if flow.timing.crons:
        call = f'cd "$HERE" && python {name}.py --run-key "$(date -u +\\%Y-\\%m-\\%dT\\%H:\\%M)"'
        files[f"{name}.crontab"] = (
            f"# {told(flow.name)}: HERE is the folder of {name}.py. A cron that does not know CRON_TZ goes by the machine's clock.\n"
            f"HERE=.\nCRON_TZ={flow.timing.zone}\n" + "".join(f"{cron}  {call}\n" for cron in flow.timing.crons)
        )
    return files
