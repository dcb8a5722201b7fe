package server

import (
	"time"

	"github.com/mark-analyst/mark/server/limit"
)

// Limits bounds what clients can ask for. Start from DefaultLimits.
type Limits struct {
	BodyBytes    int64         // a request without files, and each field of one with files
	BodyTimeout  time.Duration // until such a request has arrived
	WriteTimeout time.Duration // until a client has accepted a response or an event

	UploadBytes int64         // one uploaded file
	UploadFiles int           // files in one request
	UploadIdle  time.Duration // silence of a client that uploads

	Document   limit.Document // the shape of an operation; Introspection is set by Config.Production
	Complexity int            // values that an operation could return
	PageSize   int            // the largest page that resolvers grant
	Timeout    time.Duration  // a query or a mutation

	Viewer  limit.Rate // operations of one signed-in person
	Address limit.Rate // operations of one address without a token

	PersistedQueries int // automatic persisted queries kept
	PersistedBytes   int // and their size altogether

	Subscriptions      int // of one viewer or address, over all connections
	SubscriptionsTotal int // of everybody
	Sockets            int // WebSockets of one address
	SocketsTotal       int // WebSockets of everybody
	SocketOperations   int // operations at once on one WebSocket

	SocketInit     time.Duration // until connection_init
	SocketMessage  int64         // bytes of one message from a client
	SocketQueue    int           // messages that wait for a slow client
	SocketBytes    int           // and their size
	SendTimeout    time.Duration // how long one may wait before the client is cut off
	KeepAlive      time.Duration // between pings on WebSockets and comments on event streams
	ReadinessCheck time.Duration // until Config.Ready must have answered
	HealthCheck    time.Duration // between two questions to Config.Ready
	// Unhealthy is how long Config.Ready may have failed before streams are
	// ended and requests refused: more than a database takes to restart, less
	// than people take a stream for dead.
	Unhealthy time.Duration
}

// DefaultLimits suits one server with many browsers, on a machine like a small
// virtual one.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes:    1 << 20,
		BodyTimeout:  30 * time.Second,
		WriteTimeout: 20 * time.Second,

		UploadBytes: 200 << 20,
		UploadFiles: 10,
		UploadIdle:  30 * time.Second,

		// GraphiQL's introspection has about 2.5 kB, 500 tokens and, with its
		// fragments spread, 450 fields.
		Document: limit.Document{
			Bytes: 64 << 10, Tokens: 8000, Depth: 15, Fields: 1000, Aliases: 100, Directives: 100,
		},
		Complexity: 50_000,
		PageSize:   100,
		Timeout:    30 * time.Second,

		Viewer:  limit.Rate{PerSecond: 20, Burst: 100},
		Address: limit.Rate{PerSecond: 10, Burst: 60},

		PersistedQueries: 1000,
		PersistedBytes:   8 << 20,

		Subscriptions:      100,
		SubscriptionsTotal: 20_000,
		Sockets:            100,
		SocketsTotal:       10_000,
		SocketOperations:   50,

		SocketInit:     10 * time.Second,
		SocketMessage:  1 << 20,
		SocketQueue:    256,
		SocketBytes:    4 << 20,
		SendTimeout:    15 * time.Second,
		KeepAlive:      25 * time.Second,
		ReadinessCheck: 3 * time.Second,
		HealthCheck:    time.Second,
		Unhealthy:      4 * time.Second,
	}
}
