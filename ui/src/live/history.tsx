/** A model's past as `orc serve` knows it: how fresh it is, a strip of its last runs, its tests. */

import { Runs } from "../pages/node-runs";
import { StatusMark } from "../parts/badge";
import { moment } from "../parts/format";
import { part } from "./api";
import { PromiseWords } from "./freshness";
import { useFresh, useNow } from "./hooks";
import type { ModelTold } from "./shapes";
import { runPlace, shortId, Trouble, When } from "./words";

export function History({ node }: { node: string }) {
  const { value: told, error } = useFresh<ModelTold>(`/models/${part(node)}?limit=50`);
  const now = useNow();
  if (!told)
    return error ? (
      <p className="faint">It never ran.</p>
    ) : (
      <p role="status" className="faint">
        Reading…
      </p>
    );
  return (
    <>
      <Trouble error={error} />
      <dl className="run-facts">
        <div>
          <dt>status</dt>
          <dd>
            <StatusMark status={told.status ?? ""} />
          </dd>
        </div>
        <div>
          <dt>built well</dt>
          <dd>{told.built_at ? <When at={told.built_at} now={now} /> : "never"}</dd>
        </div>
        {told.promise ? (
          <div>
            <dt>promises</dt>
            <dd>
              <PromiseWords one={told.promise} />
            </dd>
          </div>
        ) : null}
        <div>
          <dt>target</dt>
          <dd>{told.target ?? "any"}</dd>
        </div>
      </dl>
      <ol className="strip" aria-label="Last runs, oldest first">
        {[...told.runs].reverse().map((run) => (
          <li key={run.run + run.at}>
            <a href={runPlace(run.run, { node })} title={`${moment(run.at)}: ${run.status}`}>
              <StatusMark status={run.status} quiet />
              <span className="unseen"> {moment(run.at)}</span>
            </a>
          </li>
        ))}
      </ol>
      {told.runs.length ? (
        <Runs
          runs={told.runs.map((run) => ({ ...run, took: run.seconds }))}
          link={(run) => (
            <a className="mono small" href={runPlace(run, { node })}>
              {shortId(run)}
            </a>
          )}
        />
      ) : (
        <p className="faint">It never ran on this target.</p>
      )}
      {told.tests.length ? (
        <section aria-labelledby="tests-now">
          <h2 id="tests-now">Tests</h2>
          <ul className="rows">
            {told.tests.map((test) => (
              <li key={test.node}>
                <StatusMark status={test.status ?? ""} />
                <span className="mono small clip">{test.name}</span>
                <span className="faint small clip">{test.message}</span>
                <span className="spread" />
                {test.run && test.at ? (
                  <a className="small nowrap" href={runPlace(test.run, { node: test.node })}>
                    <When at={test.at} now={now} />
                  </a>
                ) : null}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </>
  );
}
