import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

const fontSize = 13; // pixels: the tour's comments then fit beside the panel

// Logo is the product's name. Being the one own part that is always there, it
// also looks after the editors: long lines are wrapped, and the tab that the
// tour opens is scrolled to.
export function Logo() {
  const operation = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  const response = useGraphiQL((state) => state.responseEditor);
  const active = useGraphiQL((state) => state.activeTabIndex);
  useEffect(() => {
    for (const editor of [operation, variables, response]) editor?.updateOptions({ fontSize, wordWrap: 'on', wrappingIndent: 'indent' });
  }, [operation, variables, response]);
  useEffect(() => {
    document.querySelectorAll('.graphiql-tab-button')[active]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [active]);
  return (
    <span className="mark-logo">
      Mark <small>GraphiQL</small>
    </span>
  );
}
