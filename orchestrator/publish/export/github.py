"""A workflow for GitHub Actions: a job for each task, which needs the jobs of the tasks that it needs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from orchestrator.core.patience import Retries
from orchestrator.core.portion import AGAIN, Flow, Portion
from orchestrator.publish.export.python import identity, title
from orchestrator.publish.export.words import names, scalar, told

MINUTES = 360
"""How long a job may take, where nothing else is said: GitHub's own limit."""


def github(flow: Flow) -> dict[str, str]:
    """The workflow's file."""
    return {f"{identity(flow)}.yml": "".join(_lines(flow))}


def _lines(flow: Flow) -> Iterator[str]:
    called = names(p.key for p in flow.portions)
    yield f"# {told(title(flow))}, for GitHub Actions: a file of .github/workflows.\n"
    yield "# Written by `orc export github`: change the project, and write it again.\n"
    yield "# A job that fails skips those that need it; others go on. `Re-run failed jobs` does what is missing.\n"
    yield f"name: {scalar(told(title(flow)))}\n\non:\n  workflow_dispatch: {{}}\n"
    if flow.timing.crons:
        yield "  schedule:  # GitHub's clock is UTC\n"
        yield from (f"    - cron: {scalar(each)}\n" for each in flow.timing.crons)
    yield "\npermissions: {contents: read}\n\n"
    yield f"concurrency: {{group: {scalar(identity(flow))}, cancel-in-progress: false}}\n\n" if flow.timing.one else ""
    yield "env:\n"
    yield "  ORC_STATE_URL: ${{ secrets.ORC_STATE_URL }}  # the state on a server; add what the profile reads with env_var()\n"
    yield '  ORC_LOCK_TIMEOUT: "600"\n\n'
    yield "jobs:\n"
    minutes = MINUTES if flow.timing.timeout is None else max(1, flow.timing.timeout // 60)
    before = None
    for portion in flow.portions:
        needs = [called[n] for n in portion.needs]
        if flow.alone and before is not None and before not in needs:
            needs.append(before)  # one at a time: the warehouse is a file
        yield from _job(flow, portion, called[portion.key], needs, minutes, after=flow.alone)
        before = called[portion.key]


def _job(flow: Flow, portion: Portion, name: str, needs: list[str], minutes: int, *, after: bool) -> Iterator[str]:
    own = portion.needs
    yield f"  {name}:  # {told(portion.about)}\n"
    yield f"    needs: [{', '.join(needs)}]\n" if needs else ""
    if after and len(needs) > len(own):
        called = names(p.key for p in flow.portions)
        good = " && ".join(f"needs.{called[n]}.result == 'success'" for n in own) or "true"
        yield f"    if: ${{{{ !cancelled() && {good} }}}}\n"
    yield f"    runs-on: {'self-hosted' if flow.alone else 'ubuntu-latest'}\n    timeout-minutes: {minutes}\n    steps:\n"
    keeping = "\n        with: {clean: false}  # the warehouse and the history may be files here" if flow.alone else ""
    yield f"      - uses: actions/checkout@v4{keeping}\n"
    yield "      - uses: actions/setup-python@v5\n        with: {python-version: '3.12'}\n"
    yield "      - run: pip install 'sql-orchestrator[postgres,bigquery]'\n"
    yield "      - uses: actions/cache@v4  # what was understood of the project: no job parses it again\n"
    yield "        with:\n          path: .orchestrator/cache\n          key: orc-${{ github.sha }}\n          restore-keys: orc-\n"
    words = ["orc", "task", portion.key, "--needs", portion.digest, *flow.words]
    call = " ".join(shlex.quote(_literal(w)) for w in words)
    run = f'{call} --engine-run "github:{identity(flow)}/$GITHUB_RUN_ID"'
    yield f"      - run: {scalar(_again(run, flow, portion.retries))}\n"


def _literal(word: str) -> str:
    """A word as it is, also where one of GitHub's own expressions would begin in it."""
    return word.replace("${{", "${{ '${{' }}")


def _again(call: str, flow: Flow, said: Retries | None) -> str:
    """The call, and again while it fails of what may pass."""
    if said is None or flow.retrying != "engine" or not said.count:
        return call
    waits = " ".join(f"{said.seconds(n):g}" for n in range(1, said.count + 1))
    return f"for wait in {waits} ''; do code=0; {call} || code=$?; [ $code = {AGAIN} ] && [ -n \"$wait\" ] || exit $code; sleep $wait; done"
