/** Light, dark, or what the system says. The one thing that is remembered outside of the address. */

import { useEffect, useState } from "react";

export type Theme = "light" | "dark";
const KEY = "orc-theme";

const stored = (): Theme | undefined => {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : undefined;
  } catch {
    return undefined; // storage may be switched off
  }
};
const system = (): Theme => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

export function useTheme(): [Theme, () => void] {
  const [chosen, setChosen] = useState(stored);
  const [preferred, setPreferred] = useState(system);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const follow = (): void => setPreferred(system());
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  const theme = chosen ?? preferred;
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const toggle = (): void => {
    const next = theme === "dark" ? "light" : "dark";
    setChosen(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds for this visit then.
    }
  };
  return [theme, toggle];
}
