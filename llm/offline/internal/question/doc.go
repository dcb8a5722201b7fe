// Package question turns a question in plain English, together with the profile
// of a data set, into a Query. It is a closed grammar and not a language model:
// words come from lexicon.txt and synonyms.txt, columns and values from the
// profile. Its one rule is that it never guesses. Every word of a question is
// either accounted for or reported as not understood, a phrase that fits two
// columns is asked about, and every assumption is kept as a note for the answer.
package question
