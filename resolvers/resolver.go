// Package resolvers answers the contract's fields: it checks what came in, calls
// the part that does the work, and turns what comes back, errors included, into
// the contract's types. It holds no state of its own.
package resolvers

import (
	"context"
	"io"
	"log/slog"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/graph"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/warehouse"
)

// Datasets stores and profiles files and knows tables; package datasets
// implements it.
type Datasets interface {
	Upload(ctx context.Context, name, fileName string, r io.Reader, chatID *string) (*ent.Dataset, error)
	AddSample(ctx context.Context, name string, chatID *string) (*ent.Dataset, error)
	AddTable(ctx context.Context, connection, project, dataset, table string, chatID *string) (*ent.Dataset, error)
	Refresh(ctx context.Context, id string) (*ent.Dataset, error)
	Delete(ctx context.Context, id string) error
}

// Resolver holds what the fields are answered with.
type Resolver struct {
	Client   *ent.Client // guarded: see package auth
	Auth     *auth.Service
	Agent    *agent.Agent
	Log      *eventlog.Log
	Feed     *chatfeed.Feed
	Datasets Datasets
	// Warehouses are what people can browse.
	Warehouses []warehouse.Warehouse
	// SignURL makes the address at which an artifact can be fetched for a
	// while.
	SignURL func(artifactID, name string) string
	// Info says what the server can do; it is asked anew each time.
	Info   func() *model.ServerInfo
	Logger *slog.Logger
}

// One type of resolver for each type of the contract with own fields.
type (
	approvalResolver          struct{ *Resolver }
	artifactResolver          struct{ *Resolver }
	chatResolver              struct{ *Resolver }
	chatConnectionResolver    struct{ *Resolver }
	chatSnapshotResolver      struct{ *Resolver }
	columnResolver            struct{ *Resolver }
	datasetResolver           struct{ *Resolver }
	datasetConnectionResolver struct{ *Resolver }
	messageResolver           struct{ *Resolver }
	messageConnectionResolver struct{ *Resolver }
	mutationResolver          struct{ *Resolver }
	queryResolver             struct{ *Resolver }
	runResolver               struct{ *Resolver }
	runConnectionResolver     struct{ *Resolver }
	stepResolver              struct{ *Resolver }
	subscriptionResolver      struct{ *Resolver }
	userResolver              struct{ *Resolver }
)

// Approval implements graph.ResolverRoot.
func (r *Resolver) Approval() graph.ApprovalResolver { return approvalResolver{r} }

// Artifact implements graph.ResolverRoot.
func (r *Resolver) Artifact() graph.ArtifactResolver { return artifactResolver{r} }

// Chat implements graph.ResolverRoot.
func (r *Resolver) Chat() graph.ChatResolver { return chatResolver{r} }

// ChatConnection implements graph.ResolverRoot.
func (r *Resolver) ChatConnection() graph.ChatConnectionResolver { return chatConnectionResolver{r} }

// ChatSnapshot implements graph.ResolverRoot.
func (r *Resolver) ChatSnapshot() graph.ChatSnapshotResolver { return chatSnapshotResolver{r} }

// Column implements graph.ResolverRoot.
func (r *Resolver) Column() graph.ColumnResolver { return columnResolver{r} }

// Dataset implements graph.ResolverRoot.
func (r *Resolver) Dataset() graph.DatasetResolver { return datasetResolver{r} }

// DatasetConnection implements graph.ResolverRoot.
func (r *Resolver) DatasetConnection() graph.DatasetConnectionResolver {
	return datasetConnectionResolver{r}
}

// Message implements graph.ResolverRoot.
func (r *Resolver) Message() graph.MessageResolver { return messageResolver{r} }

// MessageConnection implements graph.ResolverRoot.
func (r *Resolver) MessageConnection() graph.MessageConnectionResolver {
	return messageConnectionResolver{r}
}

// Mutation implements graph.ResolverRoot.
func (r *Resolver) Mutation() graph.MutationResolver { return mutationResolver{r} }

// Query implements graph.ResolverRoot.
func (r *Resolver) Query() graph.QueryResolver { return queryResolver{r} }

// Run implements graph.ResolverRoot.
func (r *Resolver) Run() graph.RunResolver { return runResolver{r} }

// RunConnection implements graph.ResolverRoot.
func (r *Resolver) RunConnection() graph.RunConnectionResolver { return runConnectionResolver{r} }

// Step implements graph.ResolverRoot.
func (r *Resolver) Step() graph.StepResolver { return stepResolver{r} }

// Subscription implements graph.ResolverRoot.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return subscriptionResolver{r} }

// User implements graph.ResolverRoot.
func (r *Resolver) User() graph.UserResolver { return userResolver{r} }
