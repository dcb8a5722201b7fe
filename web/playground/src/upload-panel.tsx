import type { GraphiQLPlugin } from '@graphiql/react';
import { useId, useState, type DragEvent, type FormEvent } from 'react';
import { config } from './config';
import { reply } from './fetcher';
import { UploadIcon } from './icons';
import { remember } from './memory';
import { note } from './notes';
import { authorization } from './session';

const uploadDocument = `mutation UploadDataset($input: UploadDatasetInput!) {
  uploadDataset(input: $input) {
    dataset { id name state }
    errors { ... on UserError { message } }
  }
}`;

interface Uploaded {
  id: string;
  name: string;
  state: string;
}

// upload sends a file by the GraphQL multipart request specification, which
// GraphiQL itself does not speak.
async function upload(file: File, name: string): Promise<Uploaded> {
  const form = new FormData();
  const input = { file: null, ...(name && { name }) };
  form.append('operations', JSON.stringify({ query: uploadDocument, variables: { input } }));
  form.append('map', JSON.stringify({ 0: ['variables.input.file'] }));
  form.append('0', file);
  const token = await authorization();
  const response = await fetch(config.endpoint, {
    method: 'POST',
    headers: { 'Apollo-Require-Preflight': 'true', ...(token && { Authorization: token }) },
    body: form,
  });
  const result = await reply(response);
  const payload = result.data?.uploadDataset as { dataset: Uploaded | null; errors: { message: string }[] } | null | undefined;
  if (!payload?.dataset) {
    const problems = [...(result.errors ?? []), ...(payload?.errors ?? [])];
    throw new Error(problems.map(({ message }) => message).join(' ') || `The server answered ${response.status}.`);
  }
  remember(result.data);
  return payload.dataset;
}

type State = { kind: 'idle' } | { kind: 'busy' } | { kind: 'done'; dataset: Uploaded } | { kind: 'failed'; message: string };

function Result({ state }: { state: State }) {
  switch (state.kind) {
    case 'done':
      return (
        <div className="mark-box mark-box-good">
          <strong>{state.dataset.name}</strong> is stored ({state.dataset.state}).
          <br />
          <code>{state.dataset.id}</code>
          <br />
          It is now <code>"$datasetId"</code>: see its columns in the tab LookAtDataset, then run CreateChat and AskQuestion
          to ask about it.
        </div>
      );
    case 'failed':
      return <div className="mark-box mark-box-bad">{state.message}</div>;
    default:
      return null;
  }
}

function UploadPanel() {
  const fileId = useId();
  const nameId = useId();
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [over, setOver] = useState(false);
  const [state, setState] = useState<State>({ kind: 'idle' });

  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    setFile(chosen);
    setState({ kind: 'idle' });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files[0]);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    setState({ kind: 'busy' });
    try {
      const dataset = await upload(file, name.trim());
      setState({ kind: 'done', dataset });
      note('good', `${dataset.name} is uploaded; "$datasetId" now means it.`);
    } catch (error) {
      setState({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  };

  return (
    <form className="mark-panel" onSubmit={submit}>
      <h2>Upload a dataset</h2>
      <p>CSV, TSV, JSON, JSON lines, XLSX or Parquet. It is sent as a multipart request to <code>uploadDataset</code>.</p>
      <label
        htmlFor={fileId}
        className={over ? 'mark-drop mark-drop-over' : 'mark-drop'}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input id={fileId} type="file" onChange={(event) => choose(event.target.files?.[0])} />
        {file ? (
          <span>
            <strong>{file.name}</strong>
            <br />
            {formatSize(file.size)}
          </span>
        ) : (
          <span>
            <strong>Choose a file</strong>
            <br />
            or drop one here
          </span>
        )}
      </label>
      <label htmlFor={nameId}>Name (optional)</label>
      <input id={nameId} type="text" maxLength={200} value={name} placeholder={file?.name} onChange={(event) => setName(event.target.value)} />
      <button type="submit" className="mark-button" disabled={!file || state.kind === 'busy'}>
        {state.kind === 'busy' ? 'Uploading…' : 'Upload'}
      </button>
      <div role="status" aria-live="polite">
        <Result state={state} />
      </div>
    </form>
  );
}

function formatSize(bytes: number): string {
  const format = (value: number, unit: string) =>
    new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 }).format(value);
  if (bytes >= 1e6) return format(bytes / 1e6, 'megabyte');
  if (bytes >= 1e3) return format(bytes / 1e3, 'kilobyte');
  return format(bytes, 'byte');
}

export const uploadPlugin: GraphiQLPlugin = { title: 'Upload a dataset', icon: UploadIcon, content: UploadPanel };
