import type { GraphiQLPlugin } from '@graphiql/react';
import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import { useEffect, useMemo, useState } from 'react';
import { loadAnswer, type Answer, type Chart, type Loaded, type Table } from './answer';
import { finishedRuns } from './events';
import { ChartIcon } from './icons';
import { memory } from './memory';
import { Plot } from './plot';
import { useStore } from './store';

// HTML in the story is shown as the text that it is.
const markdown = new Marked({ renderer: { html: ({ text }) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;') } });

// Story shows Markdown that a model wrote: cleaned, and without images, which
// could carry what the model knows to somewhere else.
function Story({ text }: { text: string }) {
  const html = useMemo(
    () =>
      DOMPurify.sanitize(markdown.parse(text, { async: false }), {
        USE_PROFILES: { html: true },
        FORBID_TAGS: ['img', 'style', 'form', 'input', 'video', 'audio'],
        FORBID_ATTR: ['style', 'class', 'id'],
      }),
    [text],
  );
  return <div className="mark-story" dangerouslySetInnerHTML={{ __html: html }} />;
}

function ChartView({ chart }: { chart: Chart }) {
  return (
    <figure className="mark-figure">
      <figcaption>{chart.title}</figcaption>
      {chart.spec && <Plot figure={chart.spec} label={chart.title} />}
      {chart.artifact && <img src={chart.artifact.url} alt={chart.title} />}
    </figure>
  );
}

function TableView({ table }: { table: Table }) {
  // A column of numbers is set flush right, its heading too.
  const numeric = table.columns.map((_, place) => table.rows.every((row) => row[place] === null || typeof row[place] === 'number'));
  const align = (place: number) => (numeric[place] ? 'mark-number' : undefined);
  return (
    <figure className="mark-figure">
      <figcaption>{table.title}</figcaption>
      <div className="mark-table" tabIndex={0} role="region" aria-label={table.title}>
        <table>
          <thead>
            <tr>{table.columns.map((column, index) => <th key={index} scope="col" className={align(index)}>{column}</th>)}</tr>
          </thead>
          <tbody>
            {table.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, place) => (
                  <td key={place} className={align(place)}>{formatCell(cell)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {table.truncated && <small>{table.rows.length} of {table.rowCount} rows</small>}
    </figure>
  );
}

function formatCell(cell: unknown): string {
  if (cell === null || cell === undefined) return '–';
  if (typeof cell === 'number') return new Intl.NumberFormat('en', { maximumFractionDigits: 4, useGrouping: false }).format(cell);
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

function List({ title, items }: { title: string; items: string[] }) {
  if (items.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>{items.map((item) => <li key={item}>{item}</li>)}</ul>
    </>
  );
}

function AnswerView({ answer }: { answer: Answer }) {
  return (
    <>
      <Story text={answer.story} />
      {answer.charts.map((chart, index) => <ChartView key={index} chart={chart} />)}
      {answer.tables.map((table, index) => <TableView key={index} table={table} />)}
      <List title="Keep in mind" items={answer.caveats} />
      <List title="Ask next" items={answer.followUps} />
    </>
  );
}

const sentences: Record<string, string> = {
  QUEUED: 'The run waits for its turn. Follow it in the tab FollowRun.',
  RUNNING: 'Mark is working on it. Follow it in the tab FollowRun.',
  CANCELLED: 'The run was stopped before there was an answer.',
};

function AnswerPanel() {
  const { runId } = useStore(memory);
  const finished = useStore(finishedRuns);
  const [asked, setAsked] = useState(0);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    let current = true;
    setProblem('');
    if (!runId) return;
    loadAnswer(runId).then(
      (found) => current && setLoaded(found),
      (error: unknown) => current && setProblem(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      current = false;
    };
  }, [runId, finished, asked]);

  return (
    <div className="mark-panel" aria-live="polite">
      <div className="mark-head">
        <h2>Answer</h2>
        {runId && (
          <button type="button" className="mark-link" onClick={() => setAsked(asked + 1)}>
            Refresh
          </button>
        )}
      </div>
      {!runId && <p>Ask a question in the tab AskQuestion: its answer is shown here, charts and all.</p>}
      {problem && <div className="mark-box mark-box-bad">{problem}</div>}
      {runId && loaded && !loaded.answer && <p>{loaded.error?.message ?? sentences[loaded.state] ?? 'This run has no answer.'}</p>}
      {runId && loaded?.answer && <AnswerView answer={loaded.answer} />}
    </div>
  );
}

export const answerPlugin: GraphiQLPlugin = { title: 'Answer', icon: ChartIcon, content: AnswerPanel };
