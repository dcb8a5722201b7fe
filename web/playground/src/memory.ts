import { createStore } from './store';

// The newest objects that replies brought, by the name that stands for them in
// variables: "$chatId" as a value is sent as the id of the newest chat.
export type Name = 'chatId' | 'runId' | 'messageId' | 'datasetId';

// Each name with what it is called and with the tab of the tour that brings it.
export const names: Record<Name, { label: string; from: string }> = {
  datasetId: { label: 'Dataset', from: 'AddDataset' },
  chatId: { label: 'Chat', from: 'CreateChat' },
  messageId: { label: 'Message', from: 'AskQuestion' },
  runId: { label: 'Run', from: 'AskQuestion' },
};

export const memory = createStore<Partial<Record<Name, string>>>({}, 'mark.memory');

const fields: Record<string, Name> = { chat: 'chatId', run: 'runId', message: 'messageId', dataset: 'datasetId' };

// remember takes note of the objects that a mutation's payloads hold.
export function remember(data: unknown): void {
  const found: Partial<Record<Name, string>> = {};
  for (const payload of Object.values((data ?? {}) as Record<string, unknown>)) {
    for (const [field, value] of Object.entries((payload ?? {}) as Record<string, unknown>)) {
      const id = (value as { id?: unknown } | null)?.id;
      if (fields[field] && typeof id === 'string') found[fields[field]] = id;
    }
  }
  if (Object.keys(found).length > 0) memory.set({ ...memory.get(), ...found });
}

// MissingError says that a variable stands for an object that no reply brought.
export class MissingError extends Error {}

// fillIn replaces the names in variables by the ids that they stand for.
export function fillIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fillIn);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillIn(inner)]));
  }
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  const name = value.slice(1) as Name;
  if (!Object.hasOwn(names, name)) return value;
  const id = memory.get()[name];
  if (id) return id;
  const { label, from } = names[name];
  throw new MissingError(
    `Not sent: "${value}" stands for your newest ${label.toLowerCase()}, and there is none yet. ` +
      `Run the tab ${from} first, or write an id in its place.`,
  );
}
