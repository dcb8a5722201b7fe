package gqlws

// Why the server closes a socket. The 44xx codes with a name in the protocol
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md) mean what
// they mean there.
//
// The graphql-ws client takes 1009, 1011, 4400, 4401, 4406, 4409 and 4429 as final
// and connects again after the others.
const (
	closeInternal       = 1011 // a defect in the server
	closeServiceRestart = 1012 // the server shuts down; another takes its place
	closeTryAgainLater  = 1013 // nothing can be read at the moment, or the token not be checked

	closeBadRequest   = 4400 // a message that the protocol does not know
	closeUnauthorized = 4401 // subscribe before connection_ack
	// The token is not valid, or not any more: the client should get a new one
	// and connect again.
	closeForbidden           = 4403
	closeSubprotocol         = 4406 // the client does not speak graphql-transport-ws
	closeInitTimeout         = 4408 // no connection_init in time
	closeDuplicateID         = 4409 // subscribe with an id that is in use
	closeSlowConsumer        = 4413 // the client does not read what it asked for
	closeTooManyInitRequests = 4429 // a second connection_init
)

// Reasons that tell what to do. A subscription that takes no `after` just begins
// again.
const (
	restartReason = "Service restart: connect again and resume with `after`"
	lostReason    = "Unavailable for now: connect again and resume with `after`"
	slowReason    = "Slow consumer: connect again and resume with `after`"
)

// A frame with a close code has room for 123 bytes of reason (RFC 6455, 5.5).
const maxReason = 123

func reasonOf(text string) string {
	if len(text) <= maxReason {
		return text
	}
	cut := maxReason - len("…")
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return text[:cut] + "…"
}
