package store

import (
	"net"
	"time"
)

// answerTime is how long a server may leave what was sent unacknowledged. A
// server or a network that vanishes without a word would otherwise hold a
// statement, whatever its context says, for as long as the system tries: a
// quarter of an hour. A server that works on a long statement acknowledges it at
// once.
const answerTime = 10 * time.Second

// dialer makes connections to PostgreSQL whose death is noticed, also while
// nothing is sent.
type dialer struct{ net.Dialer }

func newDialer() *dialer {
	return &dialer{net.Dialer{
		Control: limitSilence,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: answerTime, Interval: answerTime / 2, Count: 3,
		},
	}}
}
