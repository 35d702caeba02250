import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

/** One line or row of bars of a plot. */
export interface Series {
  readonly label: string;
  /** Name of a CSS variable. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly isBars?: boolean;
}

interface PlotProps {
  /** What the plot shows, for those who do not see it. */
  readonly label: string;
  /** Unix seconds. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
}

const HEIGHT = 170;
const HOUR_SECONDS = 3_600;

/** A plot over time. Its numbers are told as text beside it, so it is left out for screen readers. */
export function Plot({ label, times, series, format }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const isDark = useDark();
  const text = JSON.stringify([times, series]);
  useEffect(() => {
    const element = host.current;
    if (!element || times.length === 0) return;
    const colours = getComputedStyle(element);
    const colourOf = (name: string): string => colours.getPropertyValue(name).trim();
    const axis = { stroke: colourOf('--ink-soft'), grid: { stroke: colourOf('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    const bars = uPlot.paths.bars?.({ size: [0.7, 40], align: 1 });
    const plot = new uPlot({
      width: element.clientWidth || 300, height: HEIGHT, padding: [8, 18, 0, 0],
      legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { range: (_, from, to) => [from, to + HOUR_SECONDS] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((at) => new Date(at * 1_000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })), space: 60, size: 26 },
        { ...axis, values: (_, ticks) => ticks.map(format), size: 56 },
      ],
      series: [{}, ...series.map(({ label: name, colour, isBars }): uPlot.Series => ({
        label: name, stroke: colourOf(colour), width: isBars ? 0 : 2, ...(isBars && { fill: colourOf(colour), ...(bars && { paths: bars }) }), points: { show: !isBars, size: 4 },
        spanGaps: true,
      }))],
    }, [[...times], ...series.map(({ values }) => [...values])], element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [text, isDark]);
  return (
    <figure class="plot">
      <div ref={host} role="img" aria-label={label} class="plot-host" />
      <figcaption>{series.map(({ label: name, colour }) => <span key={name} class="key"><span class={`swatch ${colour.slice(2)}`} aria-hidden="true" />{name}</span>)}</figcaption>
    </figure>
  );
}

/** Whether dark is preferred; it may change while one looks. */
function useDark(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const onChange = (): void => setDark(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isDark;
}
