/** What a run said, as it says it: narrowed down by level, text and node. */

import { useEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../parts/icon";
import type { Place } from "../place";
import { change } from "../router";
import { address, ask, part } from "./api";
import type { LogLine, LogTold, NodeOfRun } from "./shapes";
import { Trouble } from "./words";

interface Props {
  run: string;
  place: Place;
  isGoing: boolean;
  live: readonly LogLine[];
  nodes: readonly NodeOfRun[];
}

export function RunLog({ run, place, isGoing, live, nodes }: Props) {
  const { node = "", level = "", text = "" } = place.query;
  const path = `/runs/${part(run)}/logs?${node ? `node=${part(node)}` : ""}`;
  const [kept, setKept] = useState<{ path: string; lines: LogLine[]; more: boolean }>();
  const [error, setError] = useState<string>();
  const mine = kept?.path === path ? kept : undefined;
  useEffect(() => {
    let current = true;
    ask<LogTold>(path).then(
      ({ lines, more }) => current && setKept({ path, lines, more }),
      (why: unknown) => current && setError(why instanceof Error ? why.message : String(why)),
    );
    return () => {
      current = false;
    };
  }, [path, isGoing]);
  const earlier = (): void => {
    const first = mine?.lines[0];
    if (!first) return;
    void ask<LogTold>(`${path}&before=${first.number}`).then(({ lines, more }) =>
      setKept((before) => (before?.path === path ? { path, lines: [...lines, ...before.lines], more } : before)),
    );
  };
  const lines = useMemo(() => {
    const own = mine?.lines ?? [];
    const last = own[own.length - 1]?.number ?? -1;
    const wanted = text.toLowerCase();
    return [...own, ...live.filter((line) => line.number > last && (!node || line.node === node))].filter(
      (line) =>
        (!level || ranked(line.level) >= ranked(level)) && (!wanted || `${line.name ?? ""} ${line.text}`.toLowerCase().includes(wanted)),
    );
  }, [mine, live, node, level, text]);
  return (
    <section aria-label="Log">
      <div className="filters">
        <label>
          Level{" "}
          <select value={level} onChange={(event) => change({ level: event.target.value })}>
            <option value="">all</option>
            {["info", "warn", "error"].map((word) => (
              <option key={word} value={word}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label>
          Text <input type="search" value={text} onChange={(event) => change({ text: event.target.value }, "replace")} />
        </label>
        <label>
          Node{" "}
          <select value={node} onChange={(event) => change({ node: event.target.value })}>
            <option value="">all</option>
            {nodes.map((one) => (
              <option key={one.node} value={one.node}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <span className="spread" />
        <a className="button" href={address(`${path}&format=text`)} download={`${run}.log`}>
          <Icon name="download" /> Download
        </a>
      </div>
      <Trouble error={error} />
      {mine?.more ? (
        <button type="button" className="button" onClick={earlier}>
          Earlier lines
        </button>
      ) : null}
      <Lines lines={lines} isGoing={isGoing} />
    </section>
  );
}

const ranked = (level: string): number => ["debug", "info", "warn", "error"].indexOf(level);

/** Follows the end of the log while somebody is there. */
function Lines({ lines, isGoing }: { lines: readonly LogLine[]; isGoing: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const here = box.current;
    if (here && isGoing && isAtEnd.current) here.scrollTop = here.scrollHeight;
  }, [lines, isGoing]);
  return (
    <div
      ref={box}
      className="log"
      role="log"
      aria-live="off"
      aria-label="Lines"
      tabIndex={0}
      onScroll={({ currentTarget: here }) => {
        isAtEnd.current = here.scrollHeight - here.scrollTop - here.clientHeight < 40;
      }}
    >
      {lines.map((line) => (
        <div key={line.number} className={`log-line log-${line.level}`}>
          <time dateTime={line.at}>{line.at.slice(11, 23)}</time>
          <span className="log-level">{line.level}</span>
          <span className="log-name clip" title={line.name ?? ""}>
            {line.name}
            {line.attempt && line.attempt > 1 ? `.${line.attempt}` : ""}
          </span>
          <span className="log-text">{line.text}</span>
        </div>
      ))}
      {lines.length ? null : <p className="faint">No line is like that.</p>}
    </div>
  );
}
