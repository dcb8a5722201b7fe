import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { answerPlugin } from './answer-panel';
import { fetcher } from './fetcher';
import { Logo } from './logo';
import { Notes } from './notes';
import { stops } from './tour';
import { tourPlugin } from './tour-panel';
import { uploadPlugin } from './upload-panel';

const plugins = [tourPlugin, uploadPlugin, answerPlugin, HISTORY_PLUGIN];

function Playground() {
  return (
    <>
      <GraphiQL
        fetcher={fetcher}
        plugins={plugins}
        visiblePlugin={tourPlugin}
        defaultTabs={stops}
        defaultEditorToolsVisibility="variables"
        schemaDescription
        inputValueDeprecation
      >
        <GraphiQL.Logo>
          <Logo />
        </GraphiQL.Logo>
      </GraphiQL>
      <Notes />
    </>
  );
}

// The documents begin with comments to be read: the editor is given more room
// than the reply, until somebody moves the bars between them.
const shares = { 'graphiql:docExplorerFlex': '0.3', 'graphiql:editorFlex': '1.35' };
for (const [key, share] of Object.entries(shares)) {
  if (window.localStorage.getItem(key) === null) window.localStorage.setItem(key, share);
}

createRoot(document.getElementById('root') as HTMLElement).render(<Playground />);
