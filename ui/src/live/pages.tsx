/** Pages that only a server which knows what happens can have, by the first word of their address. */

import type { ReactNode } from "react";
import { Overview } from "../pages/overview";
import type { Place } from "../place";
import { AlertsPage } from "./alerts";
import { AuditPage } from "./audit";
import { FreshnessPage } from "./freshness";
import { Home } from "./home";
import { RunPage } from "./run";
import { RunsPage } from "./runs";
import { SchedulesPage } from "./schedules";
import { SystemPage } from "./system";

export const LivePages: Readonly<Record<string, (place: Place) => ReactNode>> = {
  "": () => <Home />,
  project: () => <Overview />,
  runs: (place) => <RunsPage place={place} />,
  run: (place) => <RunPage key={place.path[1]} place={place} />,
  schedules: (place) => <SchedulesPage place={place} />,
  freshness: () => <FreshnessPage />,
  alerts: () => <AlertsPage />,
  audit: (place) => <AuditPage place={place} />,
  system: () => <SystemPage />,
};

/** Their places in the navigation. */
export const LIVE_LINKS: readonly (readonly [string, string, readonly string[]])[] = [
  ["#/runs", "Runs", ["runs", "run"]],
  ["#/schedules", "Schedules", ["schedules"]],
  ["#/freshness", "Freshness", ["freshness"]],
  ["#/alerts", "Alerts", ["alerts"]],
  ["#/audit", "Audit", ["audit"]],
  ["#/system", "System", ["system"]],
];
