/** Runs per day as bars: good ones, and failed ones on top of them. */

import { counted } from "../parts/format";
import type { Home } from "./shapes";

const HEIGHT = 88;
const STEP = 14;
const BAD = ["failed", "interrupted"];

export function Days({ days }: { days: Home["days"] }) {
  const sums = days.map(({ day, counts }) => {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const bad = BAD.reduce((sum, word) => sum + (counts[word] ?? 0), 0);
    return { day, all, bad };
  });
  const most = Math.max(...sums.map(({ all }) => all), 1);
  const all = sums.reduce((sum, one) => sum + one.all, 0);
  const bad = sums.reduce((sum, one) => sum + one.bad, 0);
  const words = `${counted(all, "run")} in ${days.length} days, ${bad ? `${bad} failed` : "none failed"}; at most ${most} a day`;
  return (
    <figure className="trend days">
      <svg viewBox={`0 0 ${days.length * STEP} ${HEIGHT + 16}`} role="img" aria-label={words}>
        {sums.map(({ day, all: count, bad: failed }, index) => {
          const height = (HEIGHT * count) / most;
          const red = (HEIGHT * failed) / most;
          const x = index * STEP + 2;
          return (
            <g key={day}>
              <title>{`${day}: ${counted(count, "run")}, ${failed} failed`}</title>
              <rect className="day-ground" x={x} y={0} width={STEP - 4} height={HEIGHT} rx={2} />
              {count ? <rect className="fill-success" x={x} y={HEIGHT - height} width={STEP - 4} height={height} rx={2} /> : null}
              {failed ? <rect className="fill-error" x={x} y={HEIGHT - height} width={STEP - 4} height={Math.max(red, 2)} rx={2} /> : null}
            </g>
          );
        })}
        <text x={2} y={HEIGHT + 13} className="axis">
          {days[0]?.day.slice(5)}
        </text>
        <text x={days.length * STEP - 2} y={HEIGHT + 13} className="axis axis-end">
          today
        </text>
      </svg>
      <figcaption className="small faint">{words}</figcaption>
    </figure>
  );
}
