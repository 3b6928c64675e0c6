/** The worker around `layout`: a question and an answer carry the same number. */

import { layout, type Box, type Line, type Placed } from "./layout";

export interface LayoutQuestion {
  number: number;
  boxes: Box[];
  lines: Line[];
}

export interface LayoutAnswer {
  number: number;
  placed: Placed;
}

self.onmessage = ({ data }: MessageEvent<LayoutQuestion>) => {
  const answer: LayoutAnswer = { number: data.number, placed: layout(data.boxes, data.lines) };
  self.postMessage(answer);
};
