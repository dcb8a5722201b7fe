import { send } from './fetcher';
import { remember } from './memory';

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

export interface Claim {
  text: string;
  evidence: { path: string }[];
}

export interface Answer {
  story: string;
  charts: Chart[];
  tables: Table[];
  claims: Claim[];
  followUps: string[];
  caveats: string[];
}

// Step is what Mark did on the way: code is set where it ran Python, sql where it
// asked with SQL.
export interface Step {
  index: number;
  code: string | null;
  sql: string | null;
  outputs: { name: string; text: string | null }[];
}

// Loaded is what the newest run has come to.
export interface Loaded {
  state: string;
  chatId: string;
  question: string;
  steps: Step[];
  error: { message: string } | null;
  answer: Answer | null;
  waiting: Waiting | null;
}

// Waiting is what a run that is WAITING needs from the person.
export type Waiting = { kind: 'question'; text: string; options: string[] } | ({ kind: 'approval' } & Asked);

// Asked is what a person is to allow: a program, or a query with the tables that it
// reads. The reason says what it may cost.
interface Asked {
  id: string;
  reason: string;
  code: string | null;
  sql: string | null;
  tables: string[];
}

const answerDocument = `query NewestAnswer($runId: ID!) {
  node(id: $runId) {
    ... on Run {
      state
      chat { id }
      message { parts { ... on TextPart { text } } }
      steps { index code sql outputs { name text } }
      error { message }
      question { text options }
      approvals { id state reason code sql tables }
      answer {
        parts {
          __typename
          ... on AnswerPart {
            story
            charts { title spec artifact { url } }
            tables { title columns rows rowCount truncated }
            claims { text evidence { path } }
            followUps
            caveats
          }
        }
      }
    }
  }
}`;

type Part = { __typename: string };
interface Run extends Pick<Loaded, 'state' | 'steps' | 'error'> {
  chat: { id: string };
  message: { parts: { text?: string }[] };
  answer: { parts: Part[] } | null;
  question: { text: string; options: string[] } | null;
  approvals: (Asked & { state: string })[];
}

function waitingFor({ question, approvals }: Run): Waiting | null {
  if (question) return { kind: 'question', ...question };
  const pending = approvals.find(({ state }) => state === 'PENDING');
  return pending ? { kind: 'approval', ...pending } : null;
}

// loadAnswer fetches what a run answered.
export async function loadAnswer(runId: string): Promise<Loaded> {
  const { data, errors } = await send({ query: answerDocument, variables: { runId }, operationName: 'NewestAnswer' });
  const run = data?.node as Run | null | undefined;
  if (!run) throw new Error(errors?.map(({ message }) => message).join(' ') || 'The run is gone.');
  const { state, steps, error } = run;
  const part = run.answer?.parts.find(({ __typename }) => __typename === 'AnswerPart');
  const question = run.message.parts.map(({ text }) => text ?? '').join('');
  return { state, steps, error, question, chatId: run.chat.id, answer: (part as (Part & Answer) | undefined) ?? null, waiting: waitingFor(run) };
}

const answerQuestionDocument = `mutation AnswerQuestion($input: AnswerQuestionInput!) {
  answerQuestion(input: $input) { run { id } errors { ... on UserError { message } } }
}`;

const decideDocument = `mutation DecideApproval($input: DecideApprovalInput!) {
  decideApproval(input: $input) { run { id } errors { ... on UserError { message } } }
}`;

// goOn has a run that waits go on; it fails with what the server says is in the way.
async function goOn(query: string, operationName: string, input: object): Promise<void> {
  const { data, errors } = await send({ query, variables: { input }, operationName });
  const payload = Object.values(data ?? {})[0] as { errors: { message: string }[] } | null | undefined;
  const problems = [...(errors ?? []), ...(payload?.errors ?? [])];
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join(' '));
}

// answerBack answers what a run asks.
export const answerBack = (runId: string, text: string) => goOn(answerQuestionDocument, 'AnswerQuestion', { runId, text });

// decide allows or refuses what a run wants to do.
export const decide = (approvalId: string, decision: 'APPROVE' | 'REJECT') => goOn(decideDocument, 'DecideApproval', { approvalId, decision });

const askDocument = `mutation AskNext($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message { id }
    run { id }
    errors { ... on UserError { message } }
  }
}`;

// ask asks in a chat; its run becomes the newest one.
export async function ask(chatId: string, text: string): Promise<void> {
  const { data, errors } = await send({ query: askDocument, variables: { input: { chatId, text } }, operationName: 'AskNext' });
  const payload = data?.sendMessage as { run: object | null; errors: { message: string }[] } | null | undefined;
  if (!payload?.run) {
    const problems = [...(errors ?? []), ...(payload?.errors ?? [])];
    throw new Error(problems.map(({ message }) => message).join(' ') || 'The question was not taken.');
  }
  remember(data);
}
