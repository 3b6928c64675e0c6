/** The project, with what is known of its models now instead of when the site was made; and made anew when its files changed. */

import { useEffect, useMemo, useState } from "react";
import type { Project, Status } from "../data";
import type { Answer } from "../hooks";
import { forget, readProject } from "../source";
import { useFresh } from "./hooks";
import type { ModelsTold } from "./shapes";

const NOTHING: Project = {
  format: 1,
  name: "orc",
  target: "",
  engine: "",
  version: "",
  generated_at: "",
  nodes: [],
  counts: { tests: 0, unit_tests: 0, macros: 0, columns: 0, traced: 0 },
};

/** Milliseconds: a run of thousands of models has news all the time, and this is about all of them. */
const PAUSE = 1500;

export function useLiveProject(): Answer<Project> {
  const { value: models, error } = useFresh<ModelsTold>("/models", PAUSE);
  const [read, setRead] = useState<{ site: string; project: Project }>();
  const site = models?.site;
  useEffect(() => {
    if (site === undefined) return undefined;
    if (!site) {
      setRead({ site, project: NOTHING }); // not made yet, or the project cannot be read: the rest is there all the same
      return undefined;
    }
    let current = true;
    forget();
    readProject().then(
      (project) => current && setRead({ site, project }),
      () => current && setRead({ site, project: NOTHING }),
    );
    return () => {
      current = false;
    };
  }, [site]);
  const said = useMemo(() => JSON.stringify(models?.models.map(({ node, status }) => [node, status]) ?? []), [models]);
  const value = useMemo(
    () => (read ? withStatuses(read.project, new Map(JSON.parse(said) as [string, Status | null][])) : undefined),
    [read, said],
  );
  return { ...(value ? { value } : {}), ...(error && !value ? { error } : {}) };
}

/** A project whose models are as somebody says now; what nobody says anything of stays as it was. */
export function withStatuses(project: Project, statuses: ReadonlyMap<string, Status | null>): Project {
  return {
    ...project,
    nodes: project.nodes.map((node) => {
      const { status: before, ...rest } = node;
      const status = statuses.has(node.id) ? statuses.get(node.id) : before;
      return status ? { ...rest, status } : rest;
    }),
  };
}
