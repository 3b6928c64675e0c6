/** All tests of a node with their last results, of its columns and of the whole. */

import type { NodeDetail, TestResult } from "../data";
import { StatusMark } from "../parts/badge";
import { moment, number } from "../parts/format";
import { Scroll } from "../parts/scroll";

export function Tests({ detail }: { detail: NodeDetail }) {
  const rows: [string, TestResult][] = [
    ...(detail.tests ?? []).map((test): [string, TestResult] => ["", test]),
    ...detail.columns.flatMap((column) => (column.tests ?? []).map((test): [string, TestResult] => [column.name, test])),
  ];
  return (
    <section>
      <h2 className="unseen">Tests</h2>
      <Scroll label="Tests">
        <table className="list">
          <thead>
            <tr>
              <th scope="col">Test</th>
              <th scope="col">Column</th>
              <th scope="col">Last result</th>
              <th scope="col" className="number">
                Failures
              </th>
              <th scope="col" className="wide-only">
                When
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([column, test]) => (
              <tr key={`${column} ${test.name}`}>
                <th scope="row">
                  <span className="mono">{test.label}</span>
                  {test.severity === "warn" ? <span className="faint small"> only warns</span> : null}
                  <br />
                  <span className="faint small mono breaks">{test.path ?? test.name}</span>
                  {test.description ? (
                    <>
                      <br />
                      <span className="small">{test.description}</span>
                    </>
                  ) : null}
                </th>
                <td className="mono">{column}</td>
                <td>
                  <StatusMark status={test.status} />
                </td>
                <td className="number">{test.failures === undefined ? "" : number(test.failures)}</td>
                <td className="wide-only faint small">{test.at ? moment(test.at) : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
