// Package injection holds Mark to what it promises of data: that it stays data.
//
// Its corpus (testdata, with the licences of what is not our own) is attacks in
// everything that a model reads: cells, names of columns, files and datasets,
// descriptions, what programs print, tracebacks, questions, earlier messages,
// answers and notes. Its model obeys every one that it can read: it makes the calls
// and gives the answers that the attack asks for. The rest is the real thing: the
// agent, the datasets, the guarded database, the adapter that reads the model's
// replies, and for programs the sandbox. After each run everything that went out
// of Mark and everything that it stored is looked through.
package injection
