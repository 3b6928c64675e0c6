/** Keeps the rest of the site alive when one page cannot be shown. */

import { Component, type ReactNode } from "react";

export class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return (
      <>
        <h1>This page could not be shown</h1>
        <p role="alert">{this.state.error.message}</p>
      </>
    );
  }
}
