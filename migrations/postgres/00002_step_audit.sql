-- +goose Up
-- modify "steps" table
ALTER TABLE "steps" ADD COLUMN "audit" jsonb NULL;
