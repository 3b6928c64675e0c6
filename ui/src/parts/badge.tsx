/** Words with a shape around them: status, tags, classes of personal data. */

import { Fragment } from "react";
import type { NodeSummary, Status, TestResult } from "../data";
import { folderOf, titleOf } from "../catalogue";
import { formatPlace, nodePlace } from "../place";
import { Icon } from "./icon";

/** How a status is drawn. */
export type Look = Status | "running" | "queued";

const LOOKS: Record<string, Look> = {
  success: "success",
  pass: "success",
  warn: "warn",
  error: "error",
  fail: "error",
  skipped: "skipped",
  reused: "success",
  "no-op": "skipped",
  "partial success": "warn",
  running: "running",
  waiting: "queued",
  queued: "queued",
  pending: "queued",
};

/** The look of any status word of a run or a test; what is not known is calm. */
export const lookOf = (status: string): Look => LOOKS[status] ?? "skipped";

/** A status is a shape, a colour and a word; `quiet` keeps the word for those who cannot see the shape. */
export function StatusMark({
  status,
  look = lookOf(status ?? ""),
  quiet = false,
}: {
  status: Status | TestResult["status"] | (string & {});
  look?: Look;
  quiet?: boolean;
}) {
  if (!status) return quiet ? null : <span className="faint">not run</span>;
  const word = status === "warn" ? "warning" : status;
  return (
    <span className={`status status-${look}`} title={quiet ? word : undefined}>
      <span className="status-dot">
        <Icon name={look} size={12} />
      </span>
      <span className={quiet ? "unseen" : ""}>{word}</span>
    </span>
  );
}

export const Tag = ({ name }: { name: string }) => (
  <a className="badge" href={formatPlace({ path: ["list"], query: { tag: name } })}>
    {name}
  </a>
);

export const Tags = ({ names }: { names: readonly string[] | undefined }) =>
  names?.length ? (
    <span className="badges">
      {names.map((name) => (
        <Tag key={name} name={name} />
      ))}
    </span>
  ) : null;

export const Pii = ({ names }: { names: readonly string[] | undefined }) =>
  names?.length ? (
    <span className="badges">
      {names.map((name) => (
        <span key={name} className="badge badge-pii">
          <Icon name="lock" size={12} />
          <span className="unseen">personal data: </span>
          {name}
        </span>
      ))}
    </span>
  ) : null;

/** A node's name as a link to its page. */
export function NodeLink({ node, withFolder = false }: { node: NodeSummary; withFolder?: boolean }) {
  return (
    <span className="node-link">
      <Icon name={node.kind} />
      <span className="unseen">{node.kind} </span>
      <a className="mono" href={nodePlace(node.id)}>
        {titleOf(node)}
      </a>
      {withFolder ? <span className="faint small">{folderOf(node)}</span> : null}
      <StatusMark status={node.status === "success" ? undefined : node.status} quiet />
    </span>
  );
}

/** A path or a name that, where it must, breaks after a separator. */
export const Breaks = ({ text }: { text: string }) => (
  <span className="mono breaks">
    {text.split(/(?<=[/._])/).map((part, index) => (
      <Fragment key={index}>
        {index ? <wbr /> : null}
        {part}
      </Fragment>
    ))}
  </span>
);
