import { send } from './fetcher';

export interface Table {
  title: string;
  columns: string[];
  rows: unknown[][];
  rowCount: string;
  truncated: boolean;
}

export interface Figure {
  data?: unknown[];
  layout?: Record<string, unknown>;
}

export interface Chart {
  title: string;
  spec: Figure | null;
  artifact: { url: string } | null;
}

export interface Answer {
  story: string;
  charts: Chart[];
  tables: Table[];
  followUps: string[];
  caveats: string[];
}

// Loaded is what the newest run has come to.
export interface Loaded {
  state: string;
  error: { message: string } | null;
  answer: Answer | null;
}

const answerDocument = `query NewestAnswer($runId: ID!) {
  node(id: $runId) {
    ... on Run {
      state
      error { message }
      answer {
        parts {
          __typename
          ... on AnswerPart {
            story
            charts { title spec artifact { url } }
            tables { title columns rows rowCount truncated }
            followUps
            caveats
          }
        }
      }
    }
  }
}`;

type Part = { __typename: string };
type Run = Omit<Loaded, 'answer'> & { answer: { parts: Part[] } | null };

// loadAnswer fetches what a run answered.
export async function loadAnswer(runId: string): Promise<Loaded> {
  const { data, errors } = await send({ query: answerDocument, variables: { runId }, operationName: 'NewestAnswer' });
  const run = data?.node as Run | null | undefined;
  if (!run) throw new Error(errors?.map(({ message }) => message).join(' ') || 'The run is gone.');
  const part = run.answer?.parts.find(({ __typename }) => __typename === 'AnswerPart');
  return { state: run.state, error: run.error, answer: (part as (Part & Answer) | undefined) ?? null };
}
