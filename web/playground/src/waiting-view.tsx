import { useState } from 'react';
import { answerBack, decide, type Waiting } from './answer';

interface Props {
  runId: string;
  waiting: Waiting;
  onDone: () => void;
  onError: (error: unknown) => void;
}

// WaitingView is where a person answers what a run asks, or decides on a program or
// a query that it wants to run.
export function WaitingView({ runId, waiting, onDone, onError }: Props) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const act = (done: Promise<void>) => {
    setBusy(true);
    done.then(onDone, onError).finally(() => setBusy(false));
  };
  if (waiting.kind === 'approval') {
    const program = waiting.code ?? waiting.sql;
    return (
      <section className="mark-box mark-box-good" aria-label="Approval">
        <p>{waiting.reason}</p>
        {program && <pre tabIndex={0}>{program}</pre>}
        {waiting.tables.length > 0 && <p>It reads {waiting.tables.join(', ')}.</p>}
        <button type="button" className="mark-button" disabled={busy} onClick={() => act(decide(waiting.id, 'APPROVE'))}>
          Run it
        </button>{' '}
        <button type="button" className="mark-link" disabled={busy} onClick={() => act(decide(waiting.id, 'REJECT'))}>
          Refuse
        </button>
      </section>
    );
  }
  return (
    <section className="mark-box mark-box-good" aria-label="Question">
      <p>{waiting.text}</p>
      {waiting.options.map((option) => (
        <p key={option}>
          <button type="button" className="mark-link" disabled={busy} onClick={() => act(answerBack(runId, option))}>
            {option}
          </button>
        </p>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) act(answerBack(runId, text));
        }}
      >
        <label>
          Your answer <input value={text} onChange={(event) => setText(event.target.value)} />
        </label>{' '}
        <button type="submit" className="mark-button" disabled={busy || !text.trim()}>
          Answer
        </button>
      </form>
    </section>
  );
}
