import type { ExecutionResult } from 'graphql';
import { createStore } from './store';

// finishedRuns counts the runs whose end was seen: who shows an answer fetches
// it again when it changes.
export const finishedRuns = createStore(0);

const kept = 500; // newest events that are shown; a long run has thousands of deltas
const rate = 100; // milliseconds between two renderings

// Collected is what the response pane shows for a subscription: GraphiQL alone
// would show the newest event in place of all earlier ones.
export interface Collected {
  received: number;
  newestFirst: unknown[];
}

// A collector gathers events and shows what it gathered a few times a second.
export function createCollector(show: (collected: Collected | ExecutionResult) => void) {
  const events: unknown[] = [];
  let received = 0;
  let timer: number | undefined;
  let failed = false;
  const flush = () => {
    window.clearTimeout(timer);
    timer = undefined;
    show({ received, newestFirst: [...events] });
  };
  return {
    add(result: ExecutionResult) {
      if (result.errors) {
        failed = true;
        window.clearTimeout(timer);
        show(result);
        return;
      }
      const event = Object.values(result.data ?? {})[0];
      received++;
      events.unshift(event);
      events.length = Math.min(events.length, kept);
      if ((event as { __typename?: string } | null)?.__typename === 'RunFinished') finishedRuns.set(finishedRuns.get() + 1);
      if (!failed) timer ??= window.setTimeout(flush, rate);
    },
    // end shows what has not been shown yet, and tells whether all went well.
    end(): boolean {
      if (timer !== undefined && !failed) flush();
      return !failed;
    },
  };
}
