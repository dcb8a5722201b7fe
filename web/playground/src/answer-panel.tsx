import type { GraphiQLPlugin } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { ask, loadAnswer, type Loaded } from './answer';
import { AnswerView } from './answer-view';
import { WaitingView } from './waiting-view';
import { finishedRuns } from './events';
import { ChartIcon } from './icons';
import { memory } from './memory';
import { useStore } from './store';

const again = 1000; // milliseconds between two looks at a run that has not ended

const sentences: Record<string, string> = {
  QUEUED: 'Waiting for its turn. The tab FollowRun shows it live.',
  RUNNING: 'Mark is working on it. The tab FollowRun shows it live.',
  WAITING: 'Mark waits for you.',
  CANCELLED: 'The run was stopped before there was an answer.',
};

const ended = ({ state }: Loaded) => state !== 'QUEUED' && state !== 'RUNNING' && state !== 'WAITING';

function AnswerPanel() {
  const { runId } = useStore(memory);
  const finished = useStore(finishedRuns);
  const [looks, setLooks] = useState(0);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState('');
  const fail = (error: unknown) => setProblem(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    if (!runId) return;
    let current = true;
    let timer: number | undefined;
    loadAnswer(runId).then(
      (found) => {
        if (!current) return;
        setProblem('');
        setLoaded(found);
        if (!ended(found)) timer = window.setTimeout(() => setLooks((count) => count + 1), again);
      },
      (error: unknown) => current && fail(error),
    );
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [runId, finished, looks]);

  return (
    <div className="mark-panel">
      <h2>Answer</h2>
      {!runId && <p>Ask a question in the tab AskQuestion: its answer is shown here, charts and all.</p>}
      {problem && (
        <div className="mark-box mark-box-bad" role="alert">
          {problem}{' '}
          <button type="button" className="mark-link" onClick={() => setLooks(looks + 1)}>
            Look again
          </button>
        </div>
      )}
      {runId && loaded && (
        <>
          <p className="mark-question">{loaded.question}</p>
          {!loaded.answer && <p role="status">{loaded.error?.message ?? sentences[loaded.state] ?? 'This run has no answer.'}</p>}
          {loaded.waiting && <WaitingView runId={runId} waiting={loaded.waiting} onDone={() => setLooks((count) => count + 1)} onError={fail} />}
          <AnswerView loaded={loaded} onAsk={(question) => ask(loaded.chatId, question).catch(fail)} />
        </>
      )}
    </div>
  );
}

export const answerPlugin: GraphiQLPlugin = { title: 'Answer', icon: ChartIcon, content: AnswerPanel };
