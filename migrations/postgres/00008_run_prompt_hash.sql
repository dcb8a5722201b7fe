-- +goose Up
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "prompt_hash" character varying NULL;
