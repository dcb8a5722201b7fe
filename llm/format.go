package llm

import (
	"context"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// Format is a wire format.
type Format string

// The wire formats, as they are configured.
const (
	Chat      Format = "chat"      // Chat Completions
	Responses Format = "responses" // Responses, with nothing stored by the provider
)

// formatOf returns nil for a name that none has.
func formatOf(name Format) format {
	switch name {
	case Chat:
		return chatFormat{}
	case Responses:
		return responsesFormat{}
	}
	return nil
}

// format is what the wire formats do differently. All else (limits, retries,
// errors, secrets, what is made of a reply's pieces) is Endpoint's.
type format interface {
	// request puts req into the format's words, without what q says the server
	// refuses. The same arguments give the same bytes, for the sake of prompt
	// caches.
	request(req dialogue.Request, q quirks, c *Endpoint) request
	// reader reads the frames of a reply to req into a.
	reader(a *assembler, req dialogue.Request, c *Endpoint) reader
	// ends tells whether a frame ends the reply.
	ends(frame []byte) bool
}

// request is a request in the words of a format.
type request interface {
	open(ctx context.Context, client *openai.Client) (stream, error)
	// learn returns q with what e, the server's answer, teaches about the
	// request. e has refused the request itself.
	learn(q quirks, e *serverError) quirks
}

// stream yields frames as they arrived; go-openai's streams are ones.
type stream interface {
	RecvRaw() ([]byte, error)
	Close() error
}

// reader makes a reply of frames. Its errors are *serverError, emitError or one
// of assembler's.
type reader interface {
	frame(raw []byte) error
	// end closes the reply once the stream has ended.
	end() (dialogue.Reply, error)
}
