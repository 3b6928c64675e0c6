/** Buttons that change something: a wish, what became of it, and where to look next. */

import { useState, type ReactNode } from "react";
import { Icon } from "../parts/icon";
import { part, wish } from "./api";
import { tell } from "./hooks";
import { may, useSession } from "./session";
import { runPlace } from "./words";

interface Props {
  icon: string;
  title: string;
  /** Whom it is about, for those who cannot see where the button stands. */
  about?: string;
  act: () => Promise<unknown>;
  isPlain?: boolean;
}

/** One wish at a time; a refusal is told beside the button. Who may wish for nothing sees no button. */
export function Action({ icon, title, about, act, isPlain = false }: Props): ReactNode {
  const session = useSession();
  const [state, setState] = useState<"" | "going" | { error: string }>("");
  if (!may(session, "run")) return null;
  const click = (): void => {
    setState("going");
    act().then(
      () => {
        setState("");
        tell();
      },
      (error: unknown) => setState({ error: error instanceof Error ? error.message : String(error) }),
    );
  };
  return (
    <span className="action">
      <button type="button" className={isPlain ? "button plain" : "button"} disabled={state === "going"} onClick={click}>
        <Icon name={icon} size={14} />
        {title}
        {about ? <span className="unseen"> {about}</span> : null}
      </button>
      {typeof state === "object" ? (
        <span className="small refusal" role="alert">
          {state.error}
        </span>
      ) : null}
    </span>
  );
}

export const CancelButton = ({ run, onDone }: { run: string; launch?: string | undefined; onDone: () => void }) => (
  <Action icon="stop" title="Cancel" act={() => wish(`/runs/${part(run)}/cancel`).then(onDone)} />
);

export const RetryButton = ({ run }: { run: string }) => (
  <Action
    icon="retry"
    title="Retry"
    act={async () => {
      const { run_id: next } = await wish<{ run_id: string }>(`/runs/${part(run)}/retry`);
      location.hash = runPlace(next);
    }}
  />
);

export const PauseButton = ({ name }: { name: string }) => (
  <Action icon="pause" title="Pause" about={name} act={() => wish(`/schedules/${part(name)}/pause`)} />
);

export const ResumeButton = ({ name }: { name: string }) => (
  <Action icon="play" title="Resume" about={name} act={() => wish(`/schedules/${part(name)}/resume`)} />
);

export const RunButton = ({ name }: { name: string }) => (
  <Action
    icon="play"
    title="Run now"
    about={name}
    act={async () => {
      const { run_id: next } = await wish<{ run_id: string }>(`/schedules/${part(name)}/run`);
      location.hash = runPlace(next);
    }}
  />
);
