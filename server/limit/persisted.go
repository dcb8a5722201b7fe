package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
)

// CodePersistedQueryNotFound asks a client to send the text of its operation
// along with the hash. The code and its message are Apollo's; clients look at
// either.
const CodePersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// Persisted is the store of automatic persisted queries: a client sends the
// SHA-256 of a document, and the document only when the server asks for it
// (https://www.apollographql.com/docs/apollo-server/performance/apq).
type Persisted struct{ store *LRU[string] }

// NewPersisted returns an empty store of at most count documents and bytes
// bytes.
func NewPersisted(count, bytes int) *Persisted {
	return &Persisted{NewLRU(count, bytes, func(key, text string) int { return len(key) + len(text) })}
}

// Resolve fills in the text of the operation when only its hash was sent. It
// returns the hash when the text was sent along, for Keep.
func (p *Persisted) Resolve(ctx context.Context, params *graphql.RawParams) (hash string, err error) {
	ext, ok := params.Extensions["persistedQuery"]
	if !ok || ext == nil {
		return "", nil
	}
	fields, ok := ext.(map[string]any)
	if !ok {
		return "", fault.New(fault.BadUserInput, "extensions.persistedQuery must be an object.")
	}
	if v := fmt.Sprint(fields["version"]); v != "1" {
		return "", fault.New(fault.BadUserInput, "extensions.persistedQuery.version must be 1.")
	}
	hash, _ = fields["sha256Hash"].(string)
	if len(hash) != hex.EncodedLen(sha256.Size) {
		return "", fault.New(fault.BadUserInput, "extensions.persistedQuery.sha256Hash must be a SHA-256 in hexadecimal.")
	}
	if params.Query == "" {
		text, ok := p.store.Get(ctx, hash)
		if !ok {
			return "", &gqlerror.Error{
				Message:    "PersistedQueryNotFound",
				Extensions: map[string]any{"code": CodePersistedQueryNotFound},
			}
		}
		params.Query = text
		return "", nil
	}
	if sum := sha256.Sum256([]byte(params.Query)); hex.EncodeToString(sum[:]) != hash {
		return "", fault.New(fault.BadUserInput, "The hash in extensions.persistedQuery is not that of the query.")
	}
	return hash, nil
}

// Keep stores a document under its hash. Call it once the document has proved
// valid, so that the store cannot be filled with rubbish.
func (p *Persisted) Keep(ctx context.Context, hash, text string) {
	if hash != "" {
		p.store.Add(ctx, hash, text)
	}
}
