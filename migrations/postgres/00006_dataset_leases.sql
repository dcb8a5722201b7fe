-- +goose Up
-- modify "datasets" table
ALTER TABLE "datasets" ADD COLUMN "profile_epoch" bigint NOT NULL DEFAULT 0, ADD COLUMN "profiling_until" timestamptz NULL, ADD COLUMN "profile_losses" bigint NOT NULL DEFAULT 0;
