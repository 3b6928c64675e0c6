"""A line for a crontab, and a timer for systemd: both ask `orc schedule --once` every minute, which knows everything of the schedules."""

from __future__ import annotations

from orchestrator.core.portion import Flow
from orchestrator.publish.export.words import slug, told

CRONTAB = """# {title}: orc decides what is due, in the schedules' own zones; two at once do no harm.
# PROJECT is the project's folder; `crontab {name}.crontab` replaces the crontab of this user, so add the line to what is there.
PROJECT=/srv/{name}
* * * * *  cd "$PROJECT" && orc schedule --once --quiet
"""

SERVICE = """# {title}: `systemctl enable --now {name}.timer` runs this every minute; see the timer beside it.
[Unit]
Description=What is due in {title}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
# The project's folder, and the environment it needs (ORC_STATE_URL, secrets), readable by this user only.
WorkingDirectory=/srv/{name}
EnvironmentFile=-/etc/{name}.env
ExecStart=/usr/bin/env orc schedule --once --quiet
# Runs are ended as if by Ctrl-C: queries are cancelled, and the next call goes on.
KillSignal=SIGINT
TimeoutStartSec=infinity
TimeoutStopSec=60
"""

TIMER = """[Unit]
Description=Every minute, what is due in {title}

[Timer]
OnCalendar=*-*-* *:*:00
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


def cron(flow: Flow) -> dict[str, str]:
    """The files, the same for every schedule: one call knows them all."""
    name, title = slug(flow.project).replace("_", "-"), told(flow.project).replace("%", "?")
    texts = {f"{name}.crontab": CRONTAB, f"{name}.service": SERVICE, f"{name}.timer": TIMER}
    return {path: text.format(name=name, title=title) for path, text in texts.items()}
