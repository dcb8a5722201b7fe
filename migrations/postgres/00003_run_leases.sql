-- +goose Up
-- modify "chats" table
ALTER TABLE "chats" ADD COLUMN "version" bigint NOT NULL DEFAULT 0;
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "node" character varying NULL, ADD COLUMN "lease_until" timestamptz NULL, ADD COLUMN "handovers" bigint NOT NULL DEFAULT 0, ADD COLUMN "compacted_seq" bigint NOT NULL DEFAULT 0;
