/** The daemon: who leads, where the state is, who is in which pool. */

import { useTitle } from "../hooks";
import { bytes, counted, moment, number } from "../parts/format";
import { useFresh, useNow } from "./hooks";
import type { PoolsTold, SystemTold } from "./shapes";
import { RunLink, Trouble, When } from "./words";

export function SystemPage() {
  const { value: told, error } = useFresh<SystemTold>("/system");
  const { value: pools } = useFresh<PoolsTold>("/pools");
  const now = useNow();
  useTitle("System");
  return (
    <>
      <h1>System</h1>
      <Trouble error={error} />
      {told ? <Facts told={told} now={now} /> : null}
      {pools ? <Pools told={pools} now={now} /> : null}
    </>
  );
}

function Facts({ told, now }: { told: SystemTold; now: number }) {
  const { leader, state, history, project } = told;
  const facts: [string, React.ReactNode][] = [
    ["this process", told.role],
    ["last turn", <When at={told.turned_at} now={now} />],
    ["leads", leader ? `${leader.host}, process ${leader.pid}, term ${leader.term}` : "nobody"],
    ["its heartbeat", leader ? <When at={leader.heartbeat} now={now} /> : "none"],
    ["version", `orc ${told.version}, Python ${told.python}`],
    ["project", `${project.name}, ${number(project.nodes)} nodes, ${[project.engine, project.target].filter(Boolean).join(" ")}`],
    ["documentation", told.site ? <>as of {moment(told.site)}</> : "not generated yet"],
    ["state", `${state.kind}${state.bytes === null ? "" : `, ${bytes(state.bytes)}`}`],
    ["history", `${number(history.runs)} runs${history.first ? `, since ${history.first.slice(0, 10)}` : ""}`],
    ["schedules", `${told.schedules}, and ${counted(told.triggers, "trigger")}`],
    ["who may ask", told.guarded ? "whoever has a token" : "this machine"],
    ["for programs", <a href="/metrics">metrics</a>],
  ];
  return (
    <dl className="system">
      {facts.map(([word, value]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Pools({ told, now }: { told: PoolsTold; now: number }) {
  return (
    <section aria-labelledby="pools">
      <h2 id="pools">Pools</h2>
      <table className="list">
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col" className="number">
              In use
            </th>
            <th scope="col">Who</th>
            <th scope="col">Who waits</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">all runs</th>
            <td className="number">
              {told.running} / {told.max_runs}
            </td>
            <td />
            <td />
          </tr>
          {told.pools.map((pool) => (
            <tr key={pool.name}>
              <th scope="row" className="mono">
                {pool.name}
              </th>
              <td className="number">
                {pool.holders.length} / {pool.limit}
              </td>
              <td>
                {pool.holders.map((launch) => (
                  <span key={launch.launch} className="pool-one">
                    <RunLink id={launch.run_id} />{" "}
                  </span>
                ))}
              </td>
              <td>
                {pool.waiters.map((launch) => (
                  <span key={launch.launch} className="pool-one">
                    {launch.launch.split("@")[0]}{" "}
                    <span className="faint small">
                      <When at={launch.queued} now={now} />
                    </span>
                  </span>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
