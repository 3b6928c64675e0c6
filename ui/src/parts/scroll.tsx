import type { ReactNode } from "react";

/** What may be wider than the screen: scrolled by itself, also with the keyboard. */
export const Scroll = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className="scroll" tabIndex={0} role="group" aria-label={label}>
    {children}
  </div>
);
