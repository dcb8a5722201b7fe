import { useEffect, useRef, useState } from 'react';
import type { Figure } from './answer';

// Plot draws a Plotly figure. Plotly is fetched when the first one is drawn:
// it is larger than all the rest of the page.
export function Plot({ figure, label }: { figure: Figure; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let gone = false;
    let purge = () => {};
    import('plotly.js-strict-dist-min')
      .then(async ({ default: plotly }) => {
        if (gone) return;
        purge = () => plotly.purge(element);
        // The title stands above; the rest is fitted into a narrow panel.
        const layout = { ...figure.layout, autosize: true, width: undefined, height: 300, title: undefined, margin: { t: 16, r: 12, b: 44, l: 52 } };
        await plotly.newPlot(element, figure.data ?? [], layout, { responsive: true, displaylogo: false, displayModeBar: false });
      })
      .catch((error: unknown) => setProblem(`The chart cannot be drawn: ${String(error)}`));
    return () => {
      gone = true;
      purge();
    };
  }, [figure]);

  return problem ? <p>{problem}</p> : <div ref={place} className="mark-plot" role="img" aria-label={label} />;
}
