import { useTitle } from "../hooks";

export function NotFound({ what }: { what: string }) {
  useTitle("Not found");
  return (
    <>
      <h1>Not found</h1>
      <p>
        There is nothing called <code>{what}</code> in this project. It may have been renamed: <a href="#/list">all nodes</a>.
      </p>
    </>
  );
}
