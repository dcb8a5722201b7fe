import { createStore, useStore } from './store';

// Notes are one or two sentences at the bottom of the page, gone after a while.
interface Note {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

const notes = createStore<Note[]>([]);
const shownFor = 9000; // milliseconds: time to read two sentences twice
let lastId = 0;

export function note(kind: Note['kind'], text: string): void {
  if (notes.get().some((shown) => shown.text === text)) return;
  const added = { id: ++lastId, kind, text };
  notes.set([...notes.get(), added]);
  window.setTimeout(() => dismiss(added.id), shownFor);
}

function dismiss(id: number): void {
  notes.set(notes.get().filter((shown) => shown.id !== id));
}

export function Notes() {
  return (
    <div className="mark-notes" role="status" aria-live="polite">
      {useStore(notes).map(({ id, kind, text }) => (
        <p key={id} className={`mark-note mark-note-${kind}`}>
          <span>{text}</span>
          <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}
