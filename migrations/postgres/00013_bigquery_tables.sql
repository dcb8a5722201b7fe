-- +goose Up
-- modify "columns" table
ALTER TABLE "columns" ALTER COLUMN "null_count" DROP NOT NULL, ALTER COLUMN "distinct_count" DROP NOT NULL, ADD COLUMN "source_description" text NOT NULL DEFAULT '';
-- modify "datasets" table
ALTER TABLE "datasets" ALTER COLUMN "blob_key" SET DEFAULT '', ALTER COLUMN "sha256" SET DEFAULT '', ALTER COLUMN "size_bytes" SET DEFAULT 0, ADD COLUMN "source_description" text NOT NULL DEFAULT '', ADD COLUMN "connection" character varying NULL, ADD COLUMN "table_project" character varying NULL, ADD COLUMN "table_dataset" character varying NULL, ADD COLUMN "table_name" text NULL, ADD COLUMN "table_type" character varying NULL, ADD COLUMN "etag" text NULL, ADD COLUMN "partitioning" jsonb NULL, ADD COLUMN "clustering" jsonb NULL, ADD COLUMN "modified_at" timestamptz NULL;
