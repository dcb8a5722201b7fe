package migrations

import (
	"context"
	"database/sql"
	"io/fs"
)

// UpFrom is Up with the files of any folder.
func UpFrom(ctx context.Context, db *sql.DB, name string, folder fs.FS) error {
	provider, err := providerOf(db, name, folder)
	if err != nil {
		return err
	}
	return up(ctx, provider)
}
