// A stop of the tour: a file of the folder tour, and the variables beside it.
export interface Stop {
  title: string; // of the comment's first line: "# 2. Sign up"
  operation: string; // the first one's name, which is the tab's title
  query: string;
  variables: string;
}

const documents = import.meta.glob<string>('../tour/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob<string>('../tour/*.json', { query: '?raw', import: 'default', eager: true });

export const stops: Stop[] = Object.keys(documents)
  .sort()
  .map((path) => {
    const query = documents[path];
    return {
      query,
      variables: variables[path.replace(/graphql$/, 'json')] ?? '',
      title: /^# \d+\. (.+)$/m.exec(query)?.[1] ?? path,
      operation: /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1] ?? '',
    };
  });
