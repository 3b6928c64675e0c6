/** Positions of boxes, worked out beside the page. The old ones stay until the new ones are there. */

import { useEffect, useMemo, useState } from "react";
import { startWorker } from "../workers";
import type { Box, Line, Placed } from "./layout";
import type { LayoutAnswer, LayoutQuestion } from "./layout.worker";

let worker: Worker | undefined;
let count = 0;
const waiting = new Map<number, (placed: Placed) => void>();

function ask(boxes: Box[], lines: Line[]): Promise<Placed> {
  if (!worker) {
    worker = startWorker("layout");
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      waiting.get(data.number)?.(data.placed);
      waiting.delete(data.number);
    };
  }
  const question: LayoutQuestion = { number: (count += 1), boxes, lines };
  worker.postMessage(question);
  return new Promise((resolve) => waiting.set(question.number, resolve));
}

export function useLayout(boxes: Box[], lines: Line[]): Placed | undefined {
  const key = useMemo(() => JSON.stringify([boxes, lines]), [boxes, lines]);
  const [placed, setPlaced] = useState<Placed>();
  useEffect(() => {
    let current = true;
    const [what, between] = JSON.parse(key) as [Box[], Line[]];
    void ask(what, between).then((answer) => current && setPlaced(answer));
    return () => {
      current = false;
    };
  }, [key]);
  return placed;
}
