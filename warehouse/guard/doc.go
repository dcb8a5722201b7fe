// Package guard decides whether a statement may run, in GoogleSQL or in DuckDB's
// dialect. It is a row of
// small stages, each a pure function with a typed error:
//
//  1. Lexical: the text itself, before anything is asked (*LexicalError).
//  2. Statement: what a dry run says the statement is (*StatementError).
//  3. Tables: what it reads is on the connection's list (*TablesError).
//  4. Cost: what it would bill is within the policy (*CostError), and whether a
//     person must approve.
//
// A stage that cannot tell refuses. Lexical does not try to understand SQL: it
// knows only as much as it needs to see which words are words, and lets through
// one kind of statement made of known characters. The dry run understands SQL;
// but what it does not report (functions that reach outside, variables, names of
// accounts) only the text shows, so neither stage stands for the other.
package guard
