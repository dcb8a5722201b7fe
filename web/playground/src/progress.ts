import { createStore } from './store';

// The operations of the tour that have gone well, by name.
export const done = createStore<string[]>([], 'mark.tour');

export function markDone(operation: string | undefined): void {
  if (operation && !done.get().includes(operation)) done.set([...done.get(), operation]);
}
