import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';
import { CompassIcon } from './icons';
import { memory, names, type Name } from './memory';
import { done } from './progress';
import { forgetSession, session } from './session';
import { useStore } from './store';
import { stops, type Stop } from './tour';

// useOpen returns a function that shows a stop's tab, made anew where it was
// closed.
function useOpen(): (stop: Stop) => void {
  const tabs = useGraphiQL((state) => state.tabs);
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const { addTab, changeTab, updateActiveTabValues } = useGraphiQLActions();
  return ({ operation, query, variables }) => {
    const index = tabs.findIndex((tab) => tab.query?.includes(` ${operation}`) || tab.title === operation);
    if (index >= 0) {
      changeTab(index);
      return;
    }
    addTab();
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables);
    updateActiveTabValues({ query, variables, operationName: operation });
  };
}

function Steps() {
  const open = useOpen();
  const finished = useStore(done);
  const current = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.title);
  return (
    <ol className="mark-steps">
      {stops.map((stop, index) => {
        const isDone = finished.includes(stop.operation);
        return (
          <li key={stop.operation}>
            <button type="button" aria-current={current === stop.operation ? 'step' : undefined} onClick={() => open(stop)}>
              <span className={isDone ? 'mark-step-number mark-step-done' : 'mark-step-number'} aria-hidden="true">
                {isDone ? '✓' : index + 1}
              </span>
              <span>{stop.title}</span>
              {isDone && <span className="mark-unseen">, done</span>}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function SignedIn() {
  const current = useStore(session);
  if (!current) return <p>Not signed in yet. The reply of SignUp or SignIn signs you in.</p>;
  return (
    <p>
      Signed in{current.user?.email && <> as <strong>{current.user.email}</strong></>}. The access token goes along with every
      request and is renewed when it expires.{' '}
      <button type="button" className="mark-link" onClick={forgetSession}>
        Forget it
      </button>
    </p>
  );
}

function Remembered() {
  const known = useStore(memory);
  return (
    <dl className="mark-memory">
      {(Object.keys(names) as Name[]).map((name) => (
        <div key={name}>
          <dt>
            <code>"${name}"</code>
          </dt>
          <dd>{known[name] ? <code>{known[name]}</code> : <span>after {names[name].from}</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

function TourPanel() {
  return (
    <div className="mark-panel">
      <h2>Take the tour</h2>
      <p>From signing up to an answer with a chart. Open a step and press the ▶ button; each tab says what comes back.</p>
      <Steps />
      <h3>Session</h3>
      <SignedIn />
      <h3>Remembered for you</h3>
      <p>Write one of these names as a value in the variables, and it is sent as the newest id.</p>
      <Remembered />
    </div>
  );
}

export const tourPlugin: GraphiQLPlugin = { title: 'Tour', icon: CompassIcon, content: TourPanel };
