-- +goose Up
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "bytes_billed" bigint NOT NULL DEFAULT 0;
-- modify "steps" table
ALTER TABLE "steps" ADD COLUMN "queries" jsonb NULL;
-- modify "usage_days" table
ALTER TABLE "usage_days" ADD COLUMN "bytes_billed" bigint NOT NULL DEFAULT 0;
