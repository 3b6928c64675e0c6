/** Says who one is: a token in the place of name and password. */

import { useState, type FormEvent } from "react";
import { login } from "./session";

export function LoginPage() {
  const [token, setToken] = useState("");
  const [error, setError] = useState<string>();
  const [isGoing, setGoing] = useState(false);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    setGoing(true);
    login(token.trim()).catch((why: unknown) => {
      setGoing(false);
      setError(why instanceof Error ? why.message : String(why));
    });
  };
  return (
    <div className="login">
      <h1>Log in</h1>
      <form onSubmit={send}>
        <label htmlFor="token">A token of yours</label>
        <input
          id="token"
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
          aria-describedby="token-hint"
        />
        <p id="token-hint" className="faint small">
          <code>orc token create NAME --scope run</code> makes one, on the machine of <code>orc serve</code>.
        </p>
        {error ? (
          <p role="alert" className="note">
            {error}
          </p>
        ) : null}
        <button type="submit" className="button" disabled={isGoing || !token}>
          Log in
        </button>
      </form>
    </div>
  );
}
