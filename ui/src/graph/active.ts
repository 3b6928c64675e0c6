import { createContext, useContext } from "react";

/** The one box of a drawing that the tab key reaches; arrow keys move on from there. */
export const ActiveContext = createContext<string | undefined>(undefined);

export const useTabIndex = (id: string): 0 | -1 => (useContext(ActiveContext) === id ? 0 : -1);
