// Command gen writes package ent from ent/schema. It runs with ent/ as the
// working folder (go generate).
package main

import (
	"log"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	// entgql's Go side only (Noder, Paginate, CollectFields): the GraphQL
	// schema is written by hand.
	ex, err := entgql.NewExtension(entgql.WithNodeDescriptor(false))
	if err != nil {
		log.Fatalf("entgql: %v", err)
	}
	err = entc.Generate("./schema", &gen.Config{
		Features: []gen.Feature{
			gen.FeatureIntercept,
			gen.FeatureExecQuery,
			gen.FeatureLock,
			// Not FeatureUpsert: what an insert does on a conflict is hidden from
			// hooks, so package auth could not keep it from other people's rows.
			gen.FeatureVersionedMigration,
		},
	}, entc.Extensions(ex))
	if err != nil {
		log.Fatalf("ent: %v", err)
	}
}
