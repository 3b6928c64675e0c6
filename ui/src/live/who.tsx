/** Who one is here, and the way to be somebody. */

import { logout, useSession } from "./session";

export function Who() {
  const session = useSession();
  if (!session) return null;
  if (session.kind === "user")
    return (
      <span className="who">
        {session.name}{" "}
        <button type="button" className="button plain" onClick={() => void logout()}>
          Log out
        </button>
      </span>
    );
  return session.login ? (
    <a className="who" href="#/login">
      Log in
    </a>
  ) : null;
}
