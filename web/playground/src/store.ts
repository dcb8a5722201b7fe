import { useSyncExternalStore } from 'react';

// A value that components watch. With a key it lives in sessionStorage: it
// survives reloading the page and ends with the browser's tab.
export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T, key?: string): Store<T> {
  const listeners = new Set<() => void>();
  let value = key ? restore(key, initial) : initial;
  return {
    get: () => value,
    set(next) {
      value = next;
      if (key) window.sessionStorage.setItem(key, JSON.stringify(next));
      listeners.forEach((listener) => listener());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

function restore<T>(key: string, initial: T): T {
  const text = window.sessionStorage.getItem(key);
  if (text === null) return initial;
  try {
    return JSON.parse(text) as T;
  } catch {
    return initial; // somebody else's value
  }
}
