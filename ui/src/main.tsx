import { createRoot } from "react-dom/client";
import { App } from "./app";
import "@xyflow/react/dist/base.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/graph.css";
import "./styles/live.css";
import "./styles/print.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
