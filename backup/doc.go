// Package backup copies the default Mark, one that keeps everything in its data
// folder, into one archive while it runs, and makes a data folder of an archive.
//
// An archive is a tar, compressed with zstd and, where that is asked for,
// encrypted with age (https://age-encryption.org/v1). Its members are, in this
// order:
//
//	header.json    what made it, when, and what it needs: Header
//	keys/…         what signs tokens and links and encrypts Python variables
//	sessions/…     chats' Python variables, where asked for
//	files/…        blobs
//	mark.db        the database
//	manifest.json  size and SHA-256 of each member that counts: Manifest
//
// The database is copied by VACUUM INTO: one read transaction, so the copy is of
// one moment and writers do not wait; what was deleted is not in it, as it would
// be in a copy of pages. Blobs never change, and whoever deletes one deletes its
// row first. So blobs are copied that a copy of the database refers to; where some
// are gone by then, the database is copied again, until all are there. What an
// earlier copy referred to and the last one does not is in the archive, and not in
// its manifest: it is not restored.
//
// Left out: the sandbox's runtime, which any machine makes anew; the queue of
// jobs, which is derived from the database; blobs that nothing refers to.
package backup
