import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import { useMemo } from 'react';
import type { Chart, Claim, Loaded, Step, Table } from './answer';
import { Plot } from './plot';

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

function Caveats({ items }: { items: string[] }) {
  if (items.length === 0) return null;
  return (
    <>
      <h3>Keep in mind</h3>
      <ul>{items.map((item, index) => <li key={index}>{item}</li>)}</ul>
    </>
  );
}

// FollowUps asks one of the suggested questions at a click.
function FollowUps({ questions, onAsk }: { questions: string[]; onAsk(question: string): void }) {
  if (questions.length === 0) return null;
  return (
    <>
      <h3>Ask next</h3>
      <ul className="mark-asks">
        {questions.map((question) => (
          <li key={question}>
            <button type="button" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Claims({ claims }: { claims: Claim[] }) {
  const shown = claims.filter(({ evidence }) => evidence.length > 0);
  if (shown.length === 0) return null;
  return (
    <details className="mark-details">
      <summary>Where the numbers come from</summary>
      <ul>
        {shown.map(({ text, evidence }, index) => (
          <li key={index}>
            {text} <code>{evidence.map(({ path }) => path).join(', ')}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}

// Work shows the programs and queries that ran, and what they printed under the name
// by which claims call it.
function Work({ steps }: { steps: Step[] }) {
  const programs = steps.filter(({ code, sql }) => code ?? sql);
  if (programs.length === 0) return null;
  return (
    <details className="mark-details">
      <summary>What ran for it</summary>
      {programs.map(({ index, code, sql, outputs }) => (
        <div key={index}>
          <pre tabIndex={0}>{code ?? sql}</pre>
          {outputs.map(({ name, text }) => text && (
            <figure key={name} className="mark-printed">
              <figcaption><code>{name}</code></figcaption>
              <pre tabIndex={0}>{text}</pre>
            </figure>
          ))}
        </div>
      ))}
    </details>
  );
}

// AnswerView draws an answer, and below it what it rests on.
export function AnswerView({ loaded: { answer, steps }, onAsk }: { loaded: Loaded; onAsk(question: string): void }) {
  if (!answer) return null;
  return (
    <>
      <Story text={answer.story} />
      {answer.charts.map((chart, index) => <ChartView key={index} chart={chart} />)}
      {answer.tables.map((table, index) => <TableView key={index} table={table} />)}
      <Caveats items={answer.caveats} />
      <FollowUps questions={answer.followUps} onAsk={onAsk} />
      <Claims claims={answer.claims} />
      <Work steps={steps} />
    </>
  );
}
